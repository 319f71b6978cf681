# SPDX-License-Identifier: Apache-2.0
# snug fit and snug validate: a profile from a table, a profile against a table.

= a table that a profile made is within its bars, one that is off is not
$ printf 'concurrency,output_tok_per_s\n1,1\n' > t.csv
$ x=$(snug validate t.csv --profile llama-3-8b-a100 -o json | tr -d '\n' | sed 's/.*"predicted": \([0-9.]*\).*/\1/')
$ printf "concurrency,output_tok_per_s\n1,$x\n" > t.csv
$ snug validate t.csv --profile llama-3-8b-a100
>~ ^concurrency 1 +output_tok_per_s .* [+-]0\.0 %$
>~ ^throughput +0\.0 % +5\.0 % +within
>~ ^Note: no prompt length stated: 200 tokens\.
2>0

= outside the bars the answer is no
$ printf 'concurrency,output_tok_per_s\n1,5\n' > t.csv
$ snug validate t.csv --profile llama-3-8b-a100 -o json | grep within_bars; exit ${PIPESTATUS[0]}
? 1
>~ "within_bars": false

= options say what the table leaves open
$ printf 'streams,rtfx\n4,50\n' > t.csv
$ snug validate t.csv --profile magpie-h100 --audio-s 20 --requests 40 || true
>! Note
2>0

= a fitted profile is one that loads, every number with its source
$ printf '# config: ISL 200 OSL 100\nconcurrency,output_tok_per_s,itl_ms\n1,80,12\n8,560,13\n64,2600,22\n' > t.csv
$ snug fit t.csv --like llama-3-8b-a100 --evaluations 60 --out mine.yaml
$ grep -c source: mine.yaml
$ grep name: mine.yaml
$ snug validate t.csv --profile mine.yaml -q | grep throughput
>~ ^2[0-9]$
> metadata: {name: mine}
>~ within
2>~ ^snug: 3 rows,

= a hold-out fit does not see the highest load
$ printf '# config: ISL 200 OSL 100\nconcurrency,output_tok_per_s\n1,80\n8,560\n64,26\n' > t.csv
$ snug fit t.csv --like llama-3-8b-a100 --evaluations 40 --holdout --out part.yaml
$ snug validate t.csv --profile part.yaml --holdout || true
>~ ^concurrency 64 .* held out  outside
2>~ ^snug: 2 rows,

= bad input
$ printf 'concurrency,output_tok_per_s\n1,80\n' > t.csv
$ snug validate t.csv
? 2
2>~ --profile

= a profile that does not exist
$ printf 'concurrency,output_tok_per_s\n1,80\n' > t.csv
$ snug validate t.csv --profile llama-3-8b-a10
? 2
2>~ did you mean "llama-3-8b-a100"

= a load that nobody can have meant
$ printf 'concurrency,output_tok_per_s\n1000000000,80\n' > t.csv
$ snug validate t.csv --profile llama-3-8b-a100
? 2
>0
2>~ t\.csv:2:1: concurrency: found 1e\+09

= a table of another kind
$ printf 'streams,rtfx\n1,80\n' > t.csv
$ snug fit t.csv --like llama-3-8b-a100 --out no.yaml; e=$?; ls no.yaml 2>&1 | grep -c cannot; exit $e
? 2
> 1
2>~ no row states a figure

= a parameter that is none
$ printf 'concurrency,output_tok_per_s\n1,80\n' > t.csv
$ snug fit t.csv --like llama-3-8b-a100 --free slots
? 2
2>~ slots is no parameter

= tables that are not there
$ snug validate --all .
? 3
2>~ none of the tables
