// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.Locale;
import java.util.regex.Pattern;

/** Turns a manual page into plain text: headings, one line for a paragraph, examples unchanged. */
final class Groff {
    private static final Pattern FONT = Pattern.compile("\\\\f(\\[[^\\]]*\\]|\\([A-Z]{2}|.)|\\\\s[+-]?\\d+");
    private static final Pattern NAMED = Pattern.compile("\\\\\\((..)|\\\\\\[([a-z]{2})\\]");
    private static final Pattern TABLE_MARK = Pattern.compile("T[{}]|^[lrc ]+\\.$|^_$|^tab\\(.\\);?$");

    private final StringBuilder out = new StringBuilder();
    private final StringBuilder paragraph = new StringBuilder();
    private boolean verbatim;
    private boolean term;

    private Groff() {
    }

    static String text(String page) {
        var groff = new Groff();
        page.lines().forEach(groff::line);
        groff.flush();
        return groff.out.toString().replaceAll("\n{3,}", "\n\n").strip() + "\n";
    }

    private void line(String line) {
        if (line.startsWith(".") || line.startsWith("'")) {
            request(line);
            return;
        }
        String text = words(line);
        if (verbatim) {
            out.append("    ").append(text).append('\n');
        } else if (text.isBlank()) {
            flush();
        } else {
            paragraph.append(paragraph.isEmpty() ? "" : " ").append(text.strip());
            if (term) {
                paragraph.append(':');
                term = false;
            }
        }
    }

    private void request(String line) {
        String name = line.substring(1).split("\\s", 2)[0];
        String argument = line.length() > name.length() + 1 ? words(line.substring(name.length() + 2).strip()) : "";
        switch (name) {
            case "SH", "SS" -> {
                flush();
                out.append('\n').append(argument.replace("\"", "")).append("\n\n");
            }
            case "TP" -> {
                flush();
                term = true;
            }
            case "IP" -> {
                flush();
                if (argument.startsWith("•") || argument.startsWith("\\(bu")) {
                    paragraph.append('-');
                }
            }
            case "nf", "EX" -> {
                flush();
                verbatim = true;
            }
            case "fi", "EE" -> {
                verbatim = false;
                out.append('\n');
            }
            case "B", "I", "BR", "BI", "IR" -> line(argument.replace("\"", ""));
            case "PP", "P", "LP", "RS", "RE", "br", "sp", "TS", "TE" -> flush();
            default -> {}
        }
    }

    private void flush() {
        if (!paragraph.isEmpty()) {
            out.append(paragraph).append("\n");
            paragraph.setLength(0);
        }
        term = false;
    }

    private static String words(String line) {
        String text = FONT.matcher(line).replaceAll("");
        text = NAMED.matcher(text)
                .replaceAll(match -> special(match.group(1) == null ? match.group(2) : match.group(1)));
        text = text.replace("\\-", "-").replace("\\&", "").replace("\\ ", " ").replace("\\e", "\uE000")
                .replace("\\|", "").replace("\\\\", "\uE000").replace("\\.", ".").replace("\\'", "'")
                .replace("\\`", "`");
        return TABLE_MARK.matcher(text).replaceAll("").replace('\uE000', '\\').replace("\t", " ");
    }

    private static String special(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "aq", "cq", "oq" -> "'";
            case "dq", "lq", "rq" -> "\"";
            case "bu" -> "•";
            case "em" -> "—";
            case "en" -> "–";
            case "rs" -> "\uE000";
            case "ga" -> "`";
            case "at" -> "@";
            case "ti" -> "~";
            case "ha" -> "^";
            case "co" -> "©";
            case "rg" -> "®";
            case "tm" -> "™";
            case "mu" -> "×";
            case "<=" -> "≤";
            case ">=" -> "≥";
            case "->" -> "→";
            default -> "";
        };
    }
}
