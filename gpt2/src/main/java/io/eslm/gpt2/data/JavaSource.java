// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Splits a Java source file into code without comments, and comments in order. No text is in both, so that models of prose
 * and of code do not see the same words twice.
 */
final class JavaSource {
    enum Kind {
        LINE, BLOCK, DOC, MARKDOWN
    }

    /** One comment without delimiters and leading asterisks; adjacent line comments are one. */
    record Comment(Kind kind, String text) {
    }

    private static final String INDENT = "    ";
    private static final Pattern SPACES = Pattern.compile("\\s+");

    /** Marks the place of a comment, so that a line with nothing else can be dropped. */
    private static final char REMOVED = '\0';

    private final String source;
    private final StringBuilder code;
    private final List<Comment> comments = new ArrayList<>();
    private int at;
    private int lastLineCommentEnd = -1;

    private JavaSource(String source) {
        this.source = source;
        this.code = new StringBuilder(source.length());
    }

    static JavaSource parse(String source) {
        var parsed = new JavaSource(source);
        while (parsed.at < source.length()) {
            parsed.step();
        }
        return parsed;
    }

    /** The comments that are not licence texts. */
    List<Comment> comments() {
        return comments.stream().filter(comment -> !isLicence(comment.text())).toList();
    }

    /**
     * The code without comments, trailing spaces, or two blank lines in a row. Four leading spaces become a tab: GPT-2's
     * vocabulary spends a token on nearly every space, so a model would mostly learn to count them.
     */
    String code() {
        var out = new StringBuilder(code.length());
        boolean blank = true;
        for (int begin = 0; begin < code.length();) {
            int newline = code.indexOf("\n", begin);
            int end = newline < 0 ? code.length() : newline;
            String line = code.substring(begin, end);
            String kept = withTabs(line.replace(String.valueOf(REMOVED), "").stripTrailing());
            boolean onlyComment = kept.isEmpty() && line.indexOf(REMOVED) >= 0;
            if (!onlyComment && !(kept.isEmpty() && blank)) {
                out.append(kept).append('\n');
                blank = kept.isEmpty();
            }
            begin = end + 1;
        }
        return out.toString().stripTrailing() + "\n";
    }

    private static String withTabs(String line) {
        int tabs = 0;
        while (line.startsWith(INDENT, tabs * INDENT.length())) {
            tabs++;
        }
        return "\t".repeat(tabs) + line.substring(tabs * INDENT.length());
    }

    private void step() {
        if (source.startsWith("//", at)) {
            lineComment();
        } else if (source.startsWith("/*", at)) {
            blockComment();
        } else if (source.startsWith("\"\"\"", at)) {
            copy(endOfLiteral("\"\"\"", 3));
        } else if (source.charAt(at) == '"' || source.charAt(at) == '\'') {
            copy(endOfLiteral(source.substring(at, at + 1), 1));
        } else {
            copy(at + 1);
        }
    }

    private void copy(int end) {
        code.append(source, at, end);
        at = end;
    }

    /** Position after the literal that starts here; an unclosed one-line literal ends with its line. */
    private int endOfLiteral(String quote, int length) {
        for (int i = at + length; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c == '\\') {
                i++;
            } else if (source.startsWith(quote, i)) {
                return i + length;
            } else if (c == '\n' && length == 1) {
                return i;
            }
        }
        return source.length();
    }

    private void lineComment() {
        int end = source.indexOf('\n', at);
        end = end < 0 ? source.length() : end;
        boolean markdown = source.startsWith("///", at) && !source.startsWith("////", at);
        String text = source.substring(at + (markdown ? 3 : 2), end);
        Kind kind = markdown ? Kind.MARKDOWN : Kind.LINE;
        boolean continues = lastLineCommentEnd >= 0 && comments.getLast().kind() == kind
                && source.substring(lastLineCommentEnd, at).isBlank()
                && source.indexOf('\n', lastLineCommentEnd + 1) >= at;
        if (continues) {
            comments.set(comments.size() - 1, new Comment(kind, comments.getLast().text() + "\n" + text));
        } else {
            comments.add(new Comment(kind, text));
        }
        lastLineCommentEnd = end;
        code.append(REMOVED);
        at = end;
    }

    private void blockComment() {
        int close = source.indexOf("*/", at + 2);
        int end = close < 0 ? source.length() : close + 2;
        boolean doc = source.startsWith("/**", at) && end - at > 4;
        int begin = Math.min(at + (doc ? 3 : 2), close < 0 ? end : close);
        comments.add(new Comment(doc ? Kind.DOC : Kind.BLOCK,
                withoutAsterisks(source.substring(begin, close < 0 ? end : close))));
        lastLineCommentEnd = -1;
        boolean joins = !code.isEmpty() && Character.isJavaIdentifierPart(code.charAt(code.length() - 1))
                && end < source.length() && Character.isJavaIdentifierPart(source.charAt(end));
        code.append(joins ? ' ' : REMOVED);
        at = end;
    }

    private static String withoutAsterisks(String body) {
        var text = new StringBuilder(body.length());
        body.lines().forEach(line -> {
            int i = 0;
            while (i < line.length() && Character.isWhitespace(line.charAt(i))) {
                i++;
            }
            if (i < line.length() && line.charAt(i) == '*') {
                while (i < line.length() && line.charAt(i) == '*') {
                    i++;
                }
                text.append(line, i, line.length());
            } else {
                text.append(line);
            }
            text.append('\n');
        });
        return text.toString();
    }

    private static boolean isLicence(String comment) {
        String text = comment.length() > 4000 ? comment.substring(0, 4000) : comment;
        text = SPACES.matcher(text.toLowerCase(Locale.ROOT)).replaceAll(" ");
        return text.contains("copyright (c)") || text.contains("(c) copyright") || text.contains("all rights reserved")
                || text.contains("reserved comment block") || text.contains("licensed under")
                || text.contains("licensed to the apache") || text.contains("redistribution and use")
                || text.contains("permission is hereby granted") || text.contains("subject to license")
                || text.contains("public domain, as explained") || text.contains("gnu general public license")
                || text.contains("license, version 2.0");
    }
}
