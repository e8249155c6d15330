// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Turns a documentation comment into plain text: no tags or HTML, one line for a paragraph, examples unchanged. */
final class Javadoc {
    private static final Pattern BLOCK_TAG = Pattern.compile("(?m)^\\s*@(?=[a-zA-Z])");
    private static final Pattern PRE_OPEN = Pattern.compile("(?i)<pre\\b[^>]*>");
    private static final Pattern PRE_CLOSE = Pattern.compile("(?i)</pre\\s*>");
    private static final Pattern UNSEEN = Pattern.compile("(?is)<!--.*?-->|<(script|style)\\b.*?</\\1>");
    private static final Pattern LIST_ITEM = Pattern.compile("(?i)<li\\b[^>]*>");
    private static final Pattern BREAK = Pattern
            .compile("(?i)</?(p|ul|ol|dl|dt|dd|div|table|thead|tbody|tfoot|caption|tr"
                    + "|h[1-6]|blockquote|br|hr|li|section|center)\\b[^>]*>|\\n[ \\t]*\\n");
    private static final Pattern CELL = Pattern.compile("(?i)</t[dh]\\s*>\\s*(?=<t[dh])");
    private static final Pattern RAISED = Pattern.compile("(?i)<sup\\b[^>]*>");
    private static final Pattern TAG = Pattern.compile("</?[a-zA-Z][a-zA-Z0-9]*(\\s[^<>]*)?/?>");
    private static final Pattern ENTITY = Pattern.compile("&(#\\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[a-zA-Z]+[0-9]*);");
    private static final Pattern AGAIN = Pattern.compile("^Returns? ");
    private static final Pattern ARTICLE = Pattern.compile("^(An?|The|True|False) ");
    private static final Pattern SPACES = Pattern.compile("\\s+");

    private static final Map<String, String> ENTITIES = Map.ofEntries(Map.entry("lt", "<"), Map.entry("gt", ">"),
            Map.entry("amp", "&"), Map.entry("quot", "\""), Map.entry("apos", "'"), Map.entry("nbsp", " "),
            Map.entry("mdash", "—"), Map.entry("ndash", "–"), Map.entry("hellip", "…"), Map.entry("le", "≤"),
            Map.entry("ge", "≥"), Map.entry("ne", "≠"), Map.entry("times", "×"), Map.entry("copy", "©"),
            Map.entry("reg", "®"), Map.entry("trade", "™"), Map.entry("rarr", "→"), Map.entry("larr", "←"),
            Map.entry("pi", "π"), Map.entry("sum", "∑"), Map.entry("infin", "∞"), Map.entry("middot", "·"),
            Map.entry("sect", "§"), Map.entry("deg", "°"), Map.entry("plusmn", "±"), Map.entry("minus", "−"),
            Map.entry("lsquo", "‘"), Map.entry("rsquo", "’"), Map.entry("ldquo", "“"), Map.entry("rdquo", "”"),
            Map.entry("lfloor", "⌊"), Map.entry("rfloor", "⌋"), Map.entry("lceil", "⌈"), Map.entry("rceil", "⌉"),
            Map.entry("thinsp", " "), Map.entry("ensp", " "), Map.entry("emsp", " "), Map.entry("bull", "•"),
            Map.entry("radic", "√"), Map.entry("alpha", "α"), Map.entry("beta", "β"), Map.entry("lambda", "λ"),
            Map.entry("theta", "θ"), Map.entry("sigma", "σ"), Map.entry("phi", "φ"), Map.entry("psi", "ψ"),
            Map.entry("isin", "∈"), Map.entry("equiv", "≡"), Map.entry("asymp", "≈"), Map.entry("para", "¶"),
            Map.entry("szlig", "ß"), Map.entry("auml", "ä"), Map.entry("ouml", "ö"), Map.entry("uuml", "ü"),
            Map.entry("eacute", "é"), Map.entry("tau", "τ"), Map.entry("equals", "="), Map.entry("sub", "⊂"),
            Map.entry("colon", ":"), Map.entry("commat", "@"),
            Map.entry("lbrace", "{"), Map.entry("rbrace", "}"), Map.entry("lsqb", "["), Map.entry("rsqb", "]"),
            Map.entry("sol", "/"), Map.entry("bsol", "\\"), Map.entry("num", "#"), Map.entry("ast", "*"));

    private Javadoc() {
    }

    /** The text of a comment without asterisks, one paragraph on a line. */
    static String text(String comment) {
        var paragraphs = new ArrayList<String>();
        String[] blocks = BLOCK_TAG.split(JavadocTags.replace(comment), -1);
        html(blocks[0], "", paragraphs);
        for (int i = 1; i < blocks.length; i++) {
            block(blocks[i], paragraphs);
        }
        return String.join("\n", paragraphs);
    }

    private static void block(String block, List<String> paragraphs) {
        int space = 0;
        while (space < block.length() && !Character.isWhitespace(block.charAt(space))) {
            space++;
        }
        String rest = block.substring(space).strip();
        switch (block.substring(0, space)) {
            case "author", "version", "since", "see", "serial", "serialData", "serialField", "hidden", "spec", "jls",
                    "jvms",
                    "revised", "bug", "test", "run", "uses", "provides", "moduleGraph", "xerces.internal",
                    "xsl.usage" ->
                    {}
            case "param" -> named(rest, paragraphs);
            case "return" -> html(rest, "Returns ", paragraphs);
            case "throws", "exception" -> html(rest, "Throws ", paragraphs);
            case "deprecated" -> html(rest, "Deprecated: ", paragraphs);
            default -> html(rest, "", paragraphs);
        }
    }

    /** "name meaning" becomes "name: meaning"; a parameter without a meaning is skipped. */
    private static void named(String rest, List<String> paragraphs) {
        String[] parts = SPACES.split(rest, 2);
        if (parts.length == 2) {
            html(parts[1], JavadocTags.protect(parts[0]) + ": ", paragraphs);
        }
    }

    private static void html(String html, String prefix, List<String> paragraphs) {
        int first = paragraphs.size();
        int from = 0;
        Matcher open = PRE_OPEN.matcher(html);
        while (open.find(from)) {
            flow(html.substring(from, open.start()), paragraphs);
            Matcher close = PRE_CLOSE.matcher(html);
            boolean closed = close.find(open.end());
            verbatim(html.substring(open.end(), closed ? close.start() : html.length()), paragraphs);
            from = closed ? close.end() : html.length();
        }
        flow(html.substring(from), paragraphs);
        if (!prefix.isEmpty() && paragraphs.size() > first) {
            paragraphs.set(first, begin(prefix, paragraphs.get(first)));
        }
    }

    /** "Returns " and "The size", or "Return the size", become "Returns the size". */
    private static String begin(String prefix, String said) {
        if (prefix.equals("Returns ")) {
            return prefix + ARTICLE.matcher(AGAIN.matcher(said).replaceFirst("")).replaceFirst(
                    match -> match.group().toLowerCase(Locale.ROOT));
        }
        return JavadocTags.restore(prefix) + said;
    }

    private static void flow(String html, List<String> paragraphs) {
        int from = 0;
        for (int begin = html.indexOf(JavadocTags.PRE_BEGIN); begin >= 0; begin = html.indexOf(JavadocTags.PRE_BEGIN,
                from)) {
            int end = html.indexOf(JavadocTags.PRE_END, begin);
            paragraphs(html.substring(from, begin), paragraphs);
            verbatim(html.substring(begin + 1, end), paragraphs);
            from = end + 1;
        }
        paragraphs(html.substring(from), paragraphs);
    }

    private static void paragraphs(String html, List<String> paragraphs) {
        String marked = UNSEEN.matcher(html).replaceAll("");
        marked = LIST_ITEM.matcher(marked).replaceAll("\n\n- ");
        marked = CELL.matcher(marked).replaceAll(" | ");
        for (String part : BREAK.split(marked)) {
            String text = SPACES.matcher(words(part)).replaceAll(" ").strip();
            if (!text.isEmpty() && !text.equals("-")) {
                paragraphs.add(JavadocTags.restore(text));
            }
        }
    }

    private static void verbatim(String html, List<String> paragraphs) {
        List<String> lines = words(html).lines().map(String::stripTrailing).toList();
        int base = lines.stream().filter(line -> !line.isBlank()).mapToInt(CommentText::indent).min().orElse(0);
        for (String line : lines) {
            if (!line.isBlank()) {
                paragraphs.add("    " + JavadocTags.restore(line.substring(base)));
            }
        }
    }

    /** Inline markup and entities as characters. */
    private static String words(String html) {
        String text = TAG.matcher(RAISED.matcher(html).replaceAll("^")).replaceAll("");
        return text.indexOf('&') < 0 ? text : ENTITY.matcher(text).replaceAll(match -> Matcher.quoteReplacement(
                entity(match.group(), match.group(1))));
    }

    private static String entity(String whole, String name) {
        if (!name.startsWith("#")) {
            return JavadocTags.protect(ENTITIES.getOrDefault(name, whole));
        }
        boolean hex = name.charAt(1) == 'x' || name.charAt(1) == 'X';
        int codePoint = hex ? Integer.parseInt(name, 2, name.length(), 16)
                : Integer.parseInt(name, 1, name.length(), 10);
        return codePoint == 0 || !Character.isValidCodePoint(codePoint) || codePoint >= 0xD800 && codePoint < 0xE000
                ? whole : JavadocTags.protect(Character.toString(codePoint));
    }
}
