# SPDX-License-Identifier: Apache-2.0
# snug gpus: the catalogue, one GPU, its layouts.

= the catalogue
$ snug gpus
>~ ^GPU +architecture +SMs +GiB +GB/s +FP16 TFLOPS +MIG$
>~ ^A100-SXM4-80GB +Ampere GA100 +108 +80.00 +2039 +312 +7 x 1g.10gb to 7g.80gb$
>~ ^H100-SXM5-80GB
>~ ^T4-16GB .* no MIG$
2>0

= one GPU by the name that nvidia-smi writes
$ snug gpus "NVIDIA A100-SXM4-80GB"
>~ ^A100-SXM4-80GB
>~ ^3g.40gb +9 +2 +42 +39.25 +4/8 +3 +0 4 \(4\) +lgip-a100-80 mig-guide$
>~ ^  lgip-a100-80 +nvidia-smi mig -lgip on A100 80GB

= inferred figures are marked
$ snug gpus B200
>~ ^3g.90gb +9\* +2 +68\* +81.12\* +4/8 +6 +0 4 \(4\)\* +mig-guide$
>~ ^\* inferred

= the counts of legal layouts
$ snug gpus A100-SXM4-80GB --layouts -o json | grep '"count"'
$ snug gpus A100-SXM4-80GB --layouts --maximal -o json | grep '"count"'
$ snug gpus H100-SXM5-80GB --layouts --all -o json | grep '"count"'
$ snug gpus H100-SXM5-80GB --layouts --all --profiles double -o json | grep '"count"'
$ snug gpus A30-24GB --layouts --maximal -o json | grep '"count"'
>   "count": 12,
>   "count": 19,
>   "count": 298,
>   "count": 723,
>   "count": 5,

= layouts as a table
$ snug gpus A100-SXM4-80GB --layouts
>~ ^A100-SXM4-80GB: 12 largest sets of profiles
>~ ^ 5 +6/7 +8/8 +84 +3g.40gb@0 3g.40gb@4$

= layouts as CSV, YAML and a drawing
$ snug gpus A30 --layouts -o csv | head -2
$ snug gpus A30 --layouts -o yaml | head -2
$ snug gpus A30 --layouts -o svg --out a30.svg && grep -c '</svg>' a30.svg
> layout,profile,start,size
> 1,4g.24gb,0,4
>~ ^"?apiVersion"?: "?snug/v1"?$
> 1

= a placement that leaves the most room
$ snug gpus A100-SXM4-80GB --place "1g.10gb 3g.40gb"
>~ 3g.40gb@4$|1g.10gb@[0-9] 3g.40gb@4$|3g.40gb@0 1g.10gb@6$
>~ ^room for

= an unknown GPU comes with near ones
$ snug gpus A100
? 2
>0
2>~ ^snug: no GPU "A100" in the catalogue; near it: A100-PCIE-40GB, A100-PCIE-80GB, A100-SXM4-40GB, A100-SXM4-80GB$

= an illegal layout names the overlap and what is legal
$ snug gpus A100-SXM4-80GB --place "3g.40gb@0 1g.10gb@2"
? 2
2>~ 3g.40gb@0 \(slices 0-3\) and 1g.10gb@2 \(slice 2\) overlap on A100-SXM4-80GB. Legal and near it: 3g.40gb@0

= a profile of another GPU
$ snug gpus A100-SXM4-80GB --place 1g.5gb
? 2
2>~ A100-SXM4-80GB has no profile 1g.5gb; it has 1g.10gb

= options that do not go together
$ snug gpus A30 --maximal
? 2
2>~ go with --layouts

= two kinds at once
$ snug gpus A30 --layouts --maximal --all
? 2
2>~ exclude each other

= layouts of no GPU
$ snug gpus --layouts
? 2
2>~ need a MODEL

= a GPU without MIG
$ snug gpus L4 --layouts
? 2
2>~ L4-24GB has no MIG

= what cannot be drawn
$ snug gpus -o svg
? 2
2>~ only layouts can be drawn

= lists every GPU in 100 columns
$ snug gpus
$ snug gpus | awk 'length > 100' | wc -l
>~ ^GPU +architecture
>~ ^A100-SXM4-80GB .* 108 .* 7 x 1g.10gb to 7g.80gb$
>~ ^A30-24GB .* 4 x 1g.6gb to 4g.24gb$
> 0
2>0

= a GPU by its product name
$ diff <(snug gpus A100-SXM4-80GB) <(snug gpus NVIDIA-A100-SXM4-80GB) && echo same
> same

= a GPU that is nearly one
$ snug gpus A100-SXM5-80GB
? 2
>0
2>~ A100-SXM4-80GB

= JSON says what it is
$ snug gpus -o json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["apiVersion"])'
> snug/v1

= 19 maximal layouts of an A100 and of an H100
$ for g in A100-SXM4-80GB H100-SXM5-80GB; do snug gpus $g --layouts --maximal -o csv | tail -n +2 | cut -d, -f1 | sort -u | wc -l; done
> 19
> 19

= 12 and 4 Pareto sets
$ snug gpus A100-SXM4-80GB --layouts -o csv | tail -n +2 | cut -d, -f1 | sort -u | wc -l
$ snug gpus A30-24GB --layouts -o csv | tail -n +2 | cut -d, -f1 | sort -u | wc -l
> 12
> 4

= a drawing is well-formed XML
$ snug gpus A100-SXM4-80GB --layouts -o svg --out l.svg && python3 -c 'import xml.dom.minidom as m; print(m.parse("l.svg").documentElement.tagName)'
> svg

= an illegal placement is refused with its reason
$ snug gpus A100-SXM4-80GB --place "3g.40gb@1"
? 2
2>~ 3g.40gb

= a format that makes no sense here
$ snug gpus -o html
? 2
2> snug: gpus: --format: "html", expected one of: table json yaml csv svg

= a closed pipe
$ for i in 1 2 3 4 5; do snug gpus -o json | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}; done | sort -u
> 0
2>0
