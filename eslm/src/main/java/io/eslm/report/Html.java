// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

/** Text inside HTML. */
final class Html {
    private Html() {
    }

    /** {@code text} for an element or a quoted attribute: no character of it is markup; control characters become visible. */
    static String text(String text) {
        StringBuilder html = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> html.append("&amp;");
                case '<' -> html.append("&lt;");
                case '>' -> html.append("&gt;");
                case '"' -> html.append("&quot;");
                case '\'' -> html.append("&#39;");
                case '\n', '\t' -> html.append(c);
                default -> html.append(
                        c < ' ' ? (char) (0x2400 + c) : Character.isSurrogate(c) && !paired(text, i) ? '\uFFFD' : c);
            }
        }
        return html.toString();
    }

    private static boolean paired(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }
}
