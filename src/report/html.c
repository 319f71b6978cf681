/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include <math.h>
#include <stdio.h>

#include "report/text.h"

#define DASH "\xe2\x80\x93"

void html_text(struct buf *out, const char *s)
{
    text_escape(out, s ? s : DASH);
}

__attribute__((format(printf, 2, 0))) static void text_v(struct buf *out, const char *fmt, va_list ap)
{
    cleanup_buf struct buf text;

    buf_init(&text, 1 << 20);
    buf_vprintf(&text, fmt, ap);
    text_escape(out, buf_str(&text));
}

void html_textf(struct buf *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    text_v(out, fmt, ap);
    va_end(ap);
}

static void open_tag(struct buf *out, const char *tag, const char *class)
{
    buf_printf(out, "<%s", tag);
    if (class && *class)
        buf_printf(out, " class=\"%s\"", class);
    buf_putc(out, '>');
}

void html_element(struct buf *out, const char *tag, const char *class, const char *text)
{
    open_tag(out, tag, class);
    html_text(out, text);
    buf_printf(out, "</%s>\n", tag);
}

void html_elementf(struct buf *out, const char *tag, const char *class, const char *fmt, ...)
{
    va_list ap;

    open_tag(out, tag, class);
    va_start(ap, fmt);
    text_v(out, fmt, ap);
    va_end(ap);
    buf_printf(out, "</%s>\n", tag);
}

void html_table_begin(struct buf *out, const char *caption, const char *const *titles)
{
    buf_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    text_escape(out, caption);
    buf_puts(out, "\"><table>\n<thead><tr>");
    for (size_t i = 0; titles[i]; i++) {
        bool left = titles[i][0] == '<';
        buf_printf(out, "<th scope=\"col\"%s>", left ? " class=\"l\"" : "");
        text_escape(out, titles[i] + left);
        buf_puts(out, "</th>");
    }
    buf_puts(out, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct buf *out)
{
    buf_puts(out, "</tbody></table></div>\n");
}

const char *html_number(char ret[HTML_NUMBER], double v, int decimals)
{
    if (!isfinite(v))
        return DASH;
    snprintf(ret, HTML_NUMBER, fabs(v) < 1e15 ? "%.*f" : "%.*e", decimals, v);
    return ret;
}

const char *html_ms(char ret[HTML_NUMBER], double ms)
{
    if (!isfinite(ms))
        return DASH;
    if (ms < 9.95)
        snprintf(ret, HTML_NUMBER, "%.1f ms", ms);
    else if (ms < 999.5)
        snprintf(ret, HTML_NUMBER, "%.0f ms", ms);
    else
        snprintf(ret, HTML_NUMBER, ms < 99995 ? "%.2f s" : ms < 1e15 ? "%.0f s" : "%.3g s", ms / 1e3);
    return ret;
}

const char *html_percent(char ret[HTML_NUMBER], double fraction, int decimals)
{
    if (!isfinite(fraction))
        return DASH;
    snprintf(ret, HTML_NUMBER, "%.*f %%", decimals, 100 * fmin(fraction, 1e9));
    return ret;
}

const char *html_interval(char ret[HTML_NUMBER], struct estimate e, int decimals)
{
    if (!isfinite(e.lo) || !isfinite(e.hi))
        return "";
    snprintf(ret, HTML_NUMBER, "%.*f to %.*f", decimals, fmin(e.lo, 1e15), decimals, fmin(e.hi, 1e15));
    return ret;
}
