/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfyaml 0.7.12 does not free a buffer of its own after some syntax errors (1 KiB, found by fuzz_yaml). The program
 * reads a handful of files and ends, so it does not matter there; it would end every run of a fuzzer.
 */
#pragma once

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so\n";
}
