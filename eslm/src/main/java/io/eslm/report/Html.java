// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/** Writes the parts that all pages share. */
public final class Html {
    private static final String STYLE = style();

    private Html() {
    }

    /** The beginning of a self-contained page, up to the opening of its main part. */
    public static String head(String title, String heading, String summary) {
        return "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
                + "<meta name=color-scheme content='light dark'><title>" + text(title) + "</title>\n<style>\n" + STYLE
                + "</style>\n<header><h1>" + text(heading) + "</h1><p>" + text(summary) + "</p></header>\n<main>\n";
    }

    /**
     * A self-contained page with a script. Its policy allows the styles and the script inside it and nothing else: no request, no other
     * script.
     *
     * @param style in addition to that of all pages
     * @param body HTML
     * @param script JavaScript
     * @param behind HTML that the page can do without when the script begins
     */
    public static String page(String title, String heading, String summary, String style, String body, String script,
            String behind) {
        String allStyle = STYLE + style;
        return "<!doctype html>\n<html lang=en><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\""
                + "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src " + hash(allStyle)
                + "; script-src " + hash(script) + "\"><meta name=viewport content='width=device-width'>"
                + "<meta name=color-scheme content='light dark'><link rel=icon href='data:,'><title>" + text(title)
                + "</title>\n<style>" + allStyle + "</style>\n<header><h1>" + text(heading) + "</h1><p>"
                + text(summary) + "</p></header>\n<main>\n" + body + "</main>\n<script>" + script
                + "</script>\n" + behind + "</html>\n";
    }

    /** As a Content-Security-Policy names a script or a style. */
    private static String hash(String source) {
        try {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(source.getBytes(StandardCharsets.UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(sum) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** A table of the fields of {@code values} that are not objects. */
    private static String table(String name, JsonObject values) {
        StringBuilder html = new StringBuilder("<table><caption>").append(text(name)).append("</caption>");
        values.entrySet().stream().filter(e -> !e.getValue().isJsonObject())
                .forEach(e -> html.append("<tr><th>").append(text(e.getKey())).append("<td>")
                        .append(text(shown(e.getValue()))));
        return html.append("</table>").toString();
    }

    /** A section with the settings of a run or a comparison, as its files record them. */
    public static String settings(String heading, String name, JsonObject settings) {
        StringBuilder html = new StringBuilder("<section><h2>").append(text(heading)).append("</h2><div class=tables>")
                .append(table(name, settings));
        for (String part : List.of("model", "options", "tokens", "machine")) {
            if (settings.get(part) instanceof JsonObject values) {
                html.append(table(part, values));
            }
        }
        return html.append("</div></section>\n").toString();
    }

    /** A value that is not an object, in a line. */
    static String shown(JsonElement value) {
        if (value.isJsonArray()) {
            return String.join(" ", value.getAsJsonArray().asList().stream().map(Html::shown).toList());
        }
        return value.isJsonPrimitive() ? value.getAsString() : value.toString();
    }

    private static String style() {
        try (InputStream css = Html.class.getResourceAsStream("report.css")) {
            return new String(css.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code text} escaped for an element or a quoted attribute; what a reader cannot see becomes {@link Visible}. */
    public static String text(String text) {
        return escape(Visible.of(text));
    }

    private static String escape(String text) {
        StringBuilder html = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> html.append("&amp;");
                case '<' -> html.append("&lt;");
                case '>' -> html.append("&gt;");
                case '"' -> html.append("&quot;");
                case '\'' -> html.append("&#39;");
                default -> html.append(Character.isSurrogate(c) && !paired(text, i) ? '\uFFFD' : c);
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
