// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.data.source.Records;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** WikiText: its pages, and its text without the marks of its tokenization. */
final class WikiText {
    private static final String GAP = "[" + PythonText.SPACE + "]*";
    /** Replacements of lm-eval, in order; the second one never matches prose, and is part of the definition. */
    private static final List<Rule> RULES = List.of(text("s '", "s'"), pattern("/' [0-9]/", "/'[0-9]/"),
            text(" @-@ ", "-"), text(" @,@ ", ","), text(" @.@ ", "."),
            text(" : ", ": "), text(" ; ", "; "), text(" . ", ". "), text(" ! ", "! "), text(" ? ", "? "),
            text(" , ", ", "),
            inside("\\(", "\\)", "(", ")"), inside("\\[", "\\]", "[", "]"), inside("\\{", "\\}", "{", "}"),
            inside("\"", "\"", "\"", "\""), inside("'", "'", "'", "'"),
            text("= = = =", "===="), text("= = =", "==="), text("= =", "=="), text(" \u00b0 ", "\u00b0"),
            text(" \n", "\n"), text("\n ", "\n"), text(" N ", " 1 "), text(" 's", "'s"));

    private WikiText() {
    }

    @FunctionalInterface
    private interface Rule {
        String apply(String text);
    }

    private static Rule text(String from, String to) {
        return text -> text.replace(from, to);
    }

    private static Rule pattern(String from, String to) {
        Pattern pattern = Pattern.compile(from);
        return text -> pattern.matcher(text).replaceAll(to);
    }

    /** No white space inside a pair of marks; what it holds has no closing mark. */
    private static Rule inside(String open, String close, String left, String right) {
        return pattern(open + GAP + "([^" + close + "]*?)" + GAP + close, left + "$1" + right);
    }

    /** The text that models predict. */
    static String plain(String page) {
        String text = page;
        for (Rule rule : RULES) {
            text = rule.apply(text);
        }
        return text;
    }

    /** The pages of a file: rows with a column page, rows with a line each in a column text, or the raw text. */
    static List<Example> pages(Path file) {
        if (Records.isPlainText(file)) {
            return split(file, List.of(Records.text(file).split("\n", -1)));
        }
        List<Json> rows = Records.read(file, Long.MAX_VALUE).rows();
        if (rows.getFirst().has("page") || !rows.getFirst().has("text")) {
            return rows.stream().map(row -> page(row.place(), row.required("page", String.class))).toList();
        }
        return split(file, rows.stream().map(row -> row.required("text", String.class).replaceFirst("\n\\z", ""))
                .map(line -> line.isEmpty() ? " " : line).toList());
    }

    /** A page begins with a line like " = Title = ". */
    private static List<Example> split(Path file, List<String> lines) {
        List<Example> pages = new ArrayList<>();
        List<String> page = new ArrayList<>();
        for (String line : lines) {
            String heading = PythonText.strip(line.replace("= = =", "===").replace("= =", "=="));
            if (heading.startsWith("= ") && heading.endsWith(" =")) {
                add(file, page, pages);
                page.clear();
            }
            page.add(line);
        }
        add(file, page, pages);
        return pages;
    }

    private static void add(Path file, List<String> lines, List<Example> pages) {
        String page = String.join("\n", lines);
        if (!PythonText.strip(page).isEmpty()) {
            pages.add(page(file + ", page " + pages.size(), page));
        }
    }

    private static Example page(String place, String page) {
        return new Page(place, plain(page), page);
    }
}
