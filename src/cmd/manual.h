/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is written about a command, from its table: --help, the man page, shell completion.
 * Text is ASCII; the man pages use the man(7) macros.
 */
#pragma once

#include "base/buf.h"
#include "cmd/cli.h"

void manual_overview(struct buf *b, const struct command *c); /* `snug help`; c is ignored */
void manual_version(struct buf *b, const struct command *c);  /* `snug --version`; c is ignored */
void manual_help(struct buf *b, const struct command *c);     /* `snug COMMAND --help` */
void manual_roff(struct buf *b, const struct command *c);     /* snug-COMMAND.1; NULL: snug.1 */
void manual_bash(struct buf *b);                              /* completion for bash */
