/* SPDX-License-Identifier: Apache-2.0 */
/* Every subcommand, in the order of `snug help`. X(gpus) stands for command_gpus in src/cmd/gpus.c. */
#pragma once

#define COMMANDS(X) \
    X(demo) \
    X(plan) \
    X(simulate) \
    X(compare) \
    X(import) \
    X(fit) \
    X(validate) \
    X(gpus) \
    X(help)
