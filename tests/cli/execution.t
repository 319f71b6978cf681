# SPDX-License-Identifier: Apache-2.0
# simulate and compare as a user runs them.

= simulate prints one configuration under the compared loads
$ snug simulate -f $SOURCE/examples/voice.yaml --configuration mig
>~ ^voice on A100-SXM4-80GB, virtual time, emulated GPUs, seed 1, 1 repetition$
>~ ^light: 5 users$
>~ ^heavy: 50 users$
>~ ^  mig +2
>~ ^audits: all [0-9]+ hold$
2>0

= the same seed gives the same bytes, another one others
$ snug simulate -f $SOURCE/examples/voice.yaml -c mig -l light -o json > a; snug simulate -f $SOURCE/examples/voice.yaml -c mig -l light -o json > b; cmp a b; snug simulate -f $SOURCE/examples/voice.yaml -c mig -l light --seed 2 -o json > c; cmp -s a c; echo $?
> 1

= JSON has the keys that scripts rely on
$ snug compare -f $SOURCE/examples/voice.yaml -c mig -c time-slicing -l light -r 2 -o json | python3 -c 'import json,sys; d=json.load(sys.stdin); l=d["configurations"][0]["loads"][0]; print(d["kind"], d["clock"], d["emulated"], l["name"], l["users"], sorted(l["turns"]), sorted(l["stages"]["turn"])[:2], sorted(d["verdict"]["recommend"]))'
> Comparison virtual True light 5 ['completed', 'failed', 'started', 'unfinished'] ['count', 'mean_ms'] ['development', 'production']

= a kept run holds every turn and is read again
$ snug simulate -f $SOURCE/examples/voice.yaml -c mig -l light -q --out r1 > t1; snug simulate -f $SOURCE/examples/voice.yaml -c mps -l light -q --out r2 > t2; ls r1; head -1 r1/turns.csv | cut -c1-36; snug compare r1 r2 | grep -c "^  m"
> run.json
> samples.csv
> turns.csv
> configuration,load,repetition,user,n
> 2

= the same configuration twice is refused
$ snug simulate -f $SOURCE/examples/voice.yaml -c mig -l light -q --out r1 > t; snug compare r1 r1
? 2
2> snug: r1: configuration mig is in two of the runs

= a configuration that does not exist
$ snug simulate -f $SOURCE/examples/voice.yaml -c migg
? 2
2>~ mig
>0

= a load that does not exist, and nothing is written
$ snug compare -f $SOURCE/examples/voice.yaml -l hevy --out gone; ls gone 2>/dev/null; echo end
> end
2>~ heavy

= several configurations need a choice
$ snug simulate -f $SOURCE/examples/voice.yaml
? 2
2>~ expected --configuration NAME

= no file
$ snug compare
? 2
2>~ expected one scenario: -f FILE

= a missed objective is exit status 1
$ sed 's/p95: 1.5s/p95: 100ms/' $SOURCE/examples/voice.yaml > strict.yaml && snug simulate -f strict.yaml -c mig -l heavy
? 1
>~ objective missed by mig, heavy: voice_to_voice p95

= from standard input, as CSV
$ snug simulate -f - -c mig -l light -o csv < $SOURCE/examples/voice.yaml | head -2 | cut -d, -f1-3
>~ ^configuration
>~ ^mig
