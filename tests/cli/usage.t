# SPDX-License-Identifier: Apache-2.0
# What every command has in common: help, usage errors, exit statuses, where output goes.

= without a command the overview comes on standard error
$ snug
? 2
>0
2>~ ^Usage: snug COMMAND

= help on standard output
$ snug --help && snug -h && snug help
>~ ^Usage: snug COMMAND
>~ ^Commands:$
>~ ^  help +
2>0

= the version
$ snug --version; snug help --version
>~ ^snug [0-9]+\.[0-9]+\.[0-9]+$
>~ ^snug [0-9]+\.[0-9]+\.[0-9]+$

= help and --help say the same
$ diff <(snug help help) <(snug help --help)
>0

= an unknown command is told the nearest one
$ snug hepl
? 2
>0
2> snug: unknown command "hepl", did you mean "help"?

= an unknown command far from every other
$ snug xyzzy
? 2
2> snug: unknown command "xyzzy"; 'snug help' lists them

= an unknown long option is told the nearest one
$ snug help --mna
? 2
2> snug: help: unknown option --mna, did you mean --man?
2> snug: 'snug help --help' shows its options

= an unknown short option
$ snug help -x
? 2
2> snug: help: unknown option -x

= an option without its argument
$ snug help --completion
? 2
2> snug: help: --completion: its argument SHELL is missing

= a value that is not among the choices
$ snug help --completion zsh
? 2
2> snug: help: --completion: "zsh", expected one of: bash

= a switch with a value
$ snug help --man=1
? 2
2> snug: help: --man takes no argument

= an option twice
$ snug help --completion bash --completion bash
? 2
2> snug: help: --completion is given twice

= a seed that is none
$ snug help --seed 1.5
? 2
2>~ ^snug: help: --seed: "1.5", expected a whole number from 0 to

= a seed beyond every bound
$ snug help --seed 99999999999999999999
? 2
2>~ expected a whole number

= an operand too many
$ snug help help help
? 2
2> snug: help: one operand too many: "help"

= an option before the command
$ snug -q help
? 2
2>~ options come after the command

= after -- nothing is an option
$ snug help -- --man
? 2
2> snug: help: there is no command "--man"; 'snug help' lists them

= a closed pipe is no error
$ for i in 1 2 3 4 5; do snug help --man | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}; done | sort -u
> 0
2>0

= a full disk is an error
$ snug help >/dev/full
? 3
2> snug: standard output: No space left on device

= a closed standard output is an error, and no file gets its number
$ snug help >&-
? 3
2> snug: standard output: Bad file descriptor

= --out writes a whole file with usual permissions and leaves nothing else
$ umask 022; snug help --out page && ls && stat -c %a page && diff page <(snug help) && echo same
> page
> 644
> same
2>0

= --out into a directory that is not there changes nothing
$ snug help --out no/page; echo $?; ls -A
> 3
>! no
2> snug: no/page: No such file or directory

= --out over a directory changes nothing
$ mkdir d; snug help --out d; echo $?; ls -A . d
> 3
>! XX
2>~ ^snug: d:

= --out with a full disk leaves the old file
$ snug help --out /dev/full
? 3
2> snug: /dev/full: No space left on device

= --out - is standard output
$ snug help --out -
>~ ^Usage

= no colour codes off a terminal
$ snug help | grep -c $'\033'
? 1
> 0

= completion completes commands and options
$ source <(snug help --completion bash)
$ COMP_WORDS=(snug he) COMP_CWORD=1; _snug; echo "${COMPREPLY[@]}"
$ COMP_WORDS=(snug help --m) COMP_CWORD=2; _snug; echo "${COMPREPLY[@]}"
$ COMP_WORDS=(snug help --color a) COMP_CWORD=3; _snug; echo "${COMPREPLY[@]}"
> help
> --man
> auto always
2>0
