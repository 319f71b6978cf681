/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs compared with files of tests/golden/. SNUG_GOLDEN=update rewrites them; look at the
 * difference before committing.
 */
#pragma once

#include <stddef.h>

/* Fails the test, naming the first line that differs, unless `text` is what stands in
 * tests/golden/NAME. */
void check_golden(const char *name, const char *text);

/*
 * Fails the test unless the tags of HTML or SVG are balanced, attributes quoted and `<`, `&` used
 * only as markup. Elements without content (meta, br, ...) are known; <script> and <style> are
 * skipped up to their end.
 */
void check_markup(const char *html);
