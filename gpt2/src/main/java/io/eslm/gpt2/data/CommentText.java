// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Turns the comments of a Java file into prose: one paragraph per line, an empty line between comments. */
final class CommentText {
    /** Shorter comments ("fall through", "NOI18N") are not prose. */
    private static final int MIN_WORDS = 8;
    private static final int MIN_DOC_WORDS = 4;
    /** A comment with a larger share of code-like lines is commented-out code. */
    private static final double MAX_CODE_LINES = 0.3;

    private static final Pattern RULE = Pattern.compile("\\s*([-=*#_~+/.])\\1{3,}.*");
    private static final Pattern CODE_LINE = Pattern.compile(".*([;{}]|\\)\\s*\\{|-->|/>|</\\w+>)\\s*");
    private static final Pattern WORD = Pattern.compile("\\p{L}{2,}");

    private CommentText() {
    }

    /** The prose of a file; empty if there is none. */
    static String prose(JavaSource source) {
        var text = new StringBuilder();
        for (JavaSource.Comment comment : source.comments()) {
            String cleaned = switch (comment.kind()) {
                case DOC -> Javadoc.text(comment.text());
                case MARKDOWN -> Javadoc.text(JavadocTags.plain(comment.text()));
                case BLOCK, LINE -> JavadocTags.restore(plain(JavadocTags.replace(comment.text())));
            };
            boolean doc = comment.kind() == JavaSource.Kind.DOC || comment.kind() == JavaSource.Kind.MARKDOWN;
            if (words(cleaned) >= (doc ? MIN_DOC_WORDS : MIN_WORDS)) {
                text.append(text.isEmpty() ? "" : "\n").append(cleaned).append('\n');
            }
        }
        return text.toString();
    }

    /** A comment without markup: one line for a paragraph, indented parts (diagrams, examples) unchanged. */
    private static String plain(String comment) {
        List<String> lines = comment.lines().map(String::stripTrailing).filter(line -> !RULE.matcher(line).matches())
                .toList();
        long code = lines.stream().filter(line -> CODE_LINE.matcher(line).matches()).count();
        long filled = lines.stream().filter(line -> !line.isBlank()).count();
        if (code > MAX_CODE_LINES * filled) {
            return "";
        }
        int base = lines.stream().filter(line -> !line.isBlank()).mapToInt(CommentText::indent).min().orElse(0);
        var paragraphs = new ArrayList<String>();
        var open = new StringBuilder();
        for (String line : lines) {
            boolean verbatim = !line.isBlank() && indent(line) >= base + 4;
            boolean item = line.stripLeading().startsWith("- ") || line.stripLeading().startsWith("* ");
            if (line.isBlank() || verbatim || item) {
                close(open, paragraphs);
            }
            if (verbatim) {
                paragraphs.add(line.substring(base));
            } else if (!line.isBlank()) {
                open.append(open.isEmpty() ? "" : " ").append(line.strip());
            }
        }
        close(open, paragraphs);
        return String.join("\n", paragraphs);
    }

    private static void close(StringBuilder open, List<String> paragraphs) {
        if (!open.isEmpty()) {
            paragraphs.add(open.toString());
            open.setLength(0);
        }
    }

    static int indent(String line) {
        int i = 0;
        while (i < line.length() && line.charAt(i) == ' ') {
            i++;
        }
        return i;
    }

    private static long words(String text) {
        return WORD.matcher(text).results().limit(MIN_WORDS).count();
    }
}
