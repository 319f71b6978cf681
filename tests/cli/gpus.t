# SPDX-License-Identifier: Apache-2.0
# snug gpus: the catalogue.

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

= an unknown GPU is told the nearest ones
$ snug gpus A100-SXM4-80G
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

= a GPU without MIG has no layouts
$ snug gpus L4-24GB --layouts
? 2
>0
2>~ L4-24GB.*MIG

= layouts need a model
$ snug gpus --layouts
? 2
2>~ need a MODEL

= options that exclude each other
$ snug gpus A30-24GB --layouts --all --maximal
? 2
2>~ exclude each other

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
