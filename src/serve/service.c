/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/service.h"

const char *serve_status_name(enum serve_status s)
{
    switch (s) {
    case SERVE_OK:
        return "ok";
    case SERVE_REJECTED:
        return "rejected: a queue or stream limit is full";
    case SERVE_TOO_LARGE:
        return "too large to be ever served";
    case SERVE_FAILED:
        break;
    }
    return "failed";
}
