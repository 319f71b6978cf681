# SPDX-License-Identifier: Apache-2.0
# snug demo: what a newcomer runs first.

= the experiment without a file, in 100 columns
$ snug demo > out && awk '{ if (length($0) > 100) print }' out | head -3; grep -c . out > lines; cat out
>~ ^voice on A100-SXM4-80GB, virtual time, emulated GPUs, seed 1
>~ ^heavy: 50 users$
>~ ^  mig
>~ ^verdict on heavy:
2>~ ^snug: .*emulated GPUs

= the same bytes twice
$ cmp <(snug demo -q -o json) <(snug demo -q -o json) && echo same
> same
2>0

= its scenario is the example
$ snug demo --show | cmp - $SOURCE/examples/voice.yaml && echo same
> same

= quiet is quiet
$ snug demo -q > out
>0
2>0

= Ctrl-C keeps what was measured
$ timeout --preserve-status -s INT 1 snug compare -f $SOURCE/examples/voice.yaml -r 1000
? 130
>~ ^voice on A100-SXM4-80GB
2>~ ^snug: interrupted

= Ctrl-C before anything is finished is no crash
$ for t in 0.02 0.04 0.08; do timeout --preserve-status -s INT $t snug compare -f $SOURCE/examples/voice.yaml -r 1000 > out 2> err; echo $?; done | sort -u
> 130

= SIGTERM is the same
$ timeout --preserve-status -s TERM 1 snug compare -f $SOURCE/examples/voice.yaml -r 1000 > out; echo $?
> 130
