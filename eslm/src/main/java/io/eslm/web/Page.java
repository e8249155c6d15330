// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.google.gson.JsonElement;
import io.eslm.report.Html;
import io.eslm.report.Visible;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.StringJoiner;

/**
 * A page in one piece: styles, scripts and data are inside, and its policy allows exactly these, by their hashes, and requests
 * to its own site. Scripts and styles are resources of this package, or of a WebJar if their path begins with a slash.
 *
 * @param html the whole document
 * @param policy its Content-Security-Policy
 */
public record Page(String html, String policy) {
    /** uPlot as the WebJar has it. */
    public static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/uPlot.";

    /**
     * Puts a page together.
     *
     * @param data what the scripts find as JSON in the element {@code data}
     */
    public static Page of(String title, String body, JsonElement data, List<String> styles, List<String> scripts) {
        StringJoiner policy = new StringJoiner("; ");
        StringBuilder styling = new StringBuilder();
        StringBuilder scripting = new StringBuilder();
        StringJoiner styleHashes = new StringJoiner(" ").setEmptyValue("'none'");
        StringJoiner scriptHashes = new StringJoiner(" ").setEmptyValue("'none'");
        for (String name : styles) {
            String text = resource(name);
            styleHashes.add(hash(text));
            styling.append("<style>").append(text).append("</style>\n");
        }
        for (String name : scripts) {
            String text = resource(name);
            scriptHashes.add(hash(text));
            scripting.append("<script>").append(text).append("</script>\n");
        }
        policy.add("default-src 'none'").add("style-src " + styleHashes).add("script-src " + scriptHashes)
                .add("connect-src 'self'").add("img-src data:").add("base-uri 'none'").add("form-action 'none'");
        String html = "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
                + "<meta http-equiv=Content-Security-Policy content=\"" + policy + "\">"
                + "<meta name=viewport content='width=device-width'><meta name=color-scheme content='light dark'>"
                + "<link rel=icon href='data:,'><title>" + Html.text(title) + "</title>\n" + styling
                + "</head>\n<body>\n"
                + body + "<script type='application/json' id=data>" + script(data) + "</script>\n" + scripting
                + "</body></html>\n";
        return new Page(html, policy.toString());
    }

    /** JSON that no text inside can end early: neither {@code </script>} nor {@code <!--} survives. */
    private static String script(JsonElement data) {
        return Visible.json(Json.line(data.getAsJsonObject())).replace("<", "\\u003c");
    }

    /** Numbers as float32, little-endian, in base64: what scripts read at once and in full. */
    public static String floats(double... values) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (double v : values) {
            bytes.putFloat((float) v);
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    static String resource(String name) {
        try (InputStream in = Page.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("there is no resource " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String hash(String text) {
        try {
            return "'sha256-" + Base64.getEncoder().encodeToString(
                    MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8))) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
