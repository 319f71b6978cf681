/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tree.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int tree_put(json_t *root, bool yaml_wanted, struct buf *out, struct err *err)
{
    cleanup_free char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    struct fy_document *doc;
    char *yaml;

    json_decref(root);
    if (!text)
        return err_set(err, ERR_OUTSIDE, "the JSON text could not be made");
    if (!yaml_wanted) {
        buf_puts(out, text);
        buf_putc(out, '\n');
        return 0;
    }
    doc = fy_document_build_from_string(NULL, text, strlen(text));
    yaml = doc ? fy_emit_document_to_string(
                     doc, (enum fy_emitter_cfg_flags)(FYECF_MODE_BLOCK | FYECF_WIDTH_INF))
               : NULL;
    if (yaml)
        buf_puts(out, yaml);
    free(yaml);
    fy_document_destroy(doc);
    return yaml ? 0 : err_set(err, ERR_OUTSIDE, "the YAML text could not be made");
}

json_t *tree_of(const char *kind)
{
    return json_pack("{s:s, s:s}", "apiVersion", "snug/v1", "kind", kind);
}
