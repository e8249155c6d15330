// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.Locale;

/** Turns Javadoc's inline tags, such as <code>{&#64;code …}</code>, into plain words. */
final class JavadocTags {
    /** Characters of code that must not be read as markup: {@link #protect} replaces them, {@link #restore} puts them back. */
    private static final String MARKUP = "<>&@{}\n";
    private static final char FIRST_STAND_IN = '\uE000';
    /** Encloses text whose lines stay unchanged. */
    static final char PRE_BEGIN = '\uE010';
    static final char PRE_END = '\uE011';

    private JavadocTags() {
    }

    /** Replaces every inline tag with its words; protects code in it until {@link #restore}. */
    static String replace(String text) {
        int tag = text.indexOf("{@");
        if (tag < 0) {
            return text;
        }
        var out = new StringBuilder(text.length());
        int from = 0;
        while (tag >= 0) {
            int end = closingBrace(text, tag);
            if (end < 0) {
                break;
            }
            out.append(text, from, tag).append(words(text.substring(tag + 2, end)));
            from = end + 1;
            tag = text.indexOf("{@", from);
        }
        return out.append(text, from, text.length()).toString();
    }

    static String protect(String code) {
        var out = new StringBuilder(code);
        for (int i = 0; i < out.length(); i++) {
            int which = MARKUP.indexOf(out.charAt(i));
            if (which >= 0) {
                out.setCharAt(i, (char) (FIRST_STAND_IN + which));
            }
        }
        return out.toString();
    }

    static String restore(String text) {
        var out = new StringBuilder(text);
        for (int i = 0; i < out.length(); i++) {
            int which = out.charAt(i) - FIRST_STAND_IN;
            if (which >= 0 && which < MARKUP.length()) {
                out.setCharAt(i, MARKUP.charAt(which));
            }
        }
        return out.toString();
    }

    /** The text of Markdown documentation, with the start of HTML tags protected. */
    static String plain(String markdown) {
        return markdown.replace("`", "").replace("<", protect("<")).replace("[", "").replace("]", "");
    }

    private static String words(String tag) {
        int nameEnd = 0;
        while (nameEnd < tag.length() && Character.isLetter(tag.charAt(nameEnd))) {
            nameEnd++;
        }
        String name = tag.substring(0, nameEnd);
        String body = tag.substring(nameEnd);
        return switch (name) {
            case "code", "literal" -> code(body);
            case "link", "linkplain", "value" -> link(body.strip());
            case "snippet" -> snippet(body);
            case "inheritDoc", "docRoot" -> "";
            case "index", "extLink", "toolGuide" -> afterFirstWord(body.strip());
            case "return" -> "Returns " + replace(body.strip()) + ".";
            case "jls", "jvms" -> name.toUpperCase(Locale.ROOT) + " " + body.strip();
            default -> replace(body.strip());
        };
    }

    private static String code(String body) {
        if (body.strip().indexOf('\n') < 0) {
            return protect(body.strip());
        }
        return protect(body.startsWith(" ") ? body.substring(1) : body).replace(protect("\n"), "\n");
    }

    /** "Type#member(args) label" becomes the label, or "Type.member(args)" without a label. */
    private static String link(String body) {
        int depth = 0;
        int i = 0;
        while (i < body.length() && (depth > 0 || !Character.isWhitespace(body.charAt(i)))) {
            depth += switch (body.charAt(i)) {
                case '(', '<' -> 1;
                case ')', '>' -> -1;
                default -> 0;
            };
            i++;
        }
        String label = body.substring(i).strip();
        if (!label.isEmpty()) {
            return replace(label);
        }
        String target = body.startsWith("#") ? body.substring(1) : body.replace("##", ": ").replace('#', '.');
        int slash = target.indexOf('/');
        return protect(slash > 0 && slash < target.length() - 1 ? target.substring(slash + 1) : target);
    }

    private static String afterFirstWord(String body) {
        if (body.startsWith("\"")) {
            int quote = body.indexOf('"', 1);
            return quote < 0 ? body : body.substring(1, quote);
        }
        int space = body.indexOf(' ');
        return space < 0 ? body : body.substring(space + 1).strip();
    }

    /** The body of an inline snippet, after its colon; empty for an external one. */
    private static String snippet(String body) {
        int newline = body.indexOf('\n');
        int colon = body.indexOf(':');
        if (colon < 0 || newline < 0 || colon > newline) {
            return "";
        }
        return PRE_BEGIN + protect(body.substring(newline + 1)).replace(protect("\n"), "\n") + PRE_END;
    }

    private static int closingBrace(String text, int open) {
        int depth = 0;
        for (int i = open; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '{') {
                depth++;
            } else if (c == '}' && --depth == 0) {
                return i;
            }
        }
        return -1;
    }
}
