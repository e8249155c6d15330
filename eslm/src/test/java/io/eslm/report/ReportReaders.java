// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The readers of a run's folder, on the bytes of one of its files. */
public final class ReportReaders {
    private ReportReaders() {
    }

    public static void window(byte[] bytes) {
        checkEscaped(WindowHtml.of(Json.of(Path.of("window.json"), bytes)));
    }

    /** What the report and a resumed run read. */
    public static void config(byte[] bytes, Path folder) throws IOException {
        Files.write(folder.resolve(RunLog.CONFIG), bytes);
        HtmlReport.write(folder);
        checkEscaped(Files.readString(folder.resolve(HtmlReport.FILE)));
        Json config = Json.of(Path.of("config.json"), bytes);
        new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, config.child("options"))).schedule();
        MethodSpec.parse(config.required("method", String.class));
        config.child("tokens").count("train");
    }

    public static void metrics(byte[] bytes, Path folder) throws IOException {
        Files.write(folder.resolve(RunLog.METRICS), bytes);
        HtmlReport.write(folder);
        checkEscaped(Files.readString(folder.resolve(HtmlReport.FILE)));
        for (Json line : RunLog.lines(folder)) {
            if (!line.object().has("val_loss")) {
                RunLog.flops(line);
            }
        }
    }

    /** Curves of any numbers: eight bytes each, x and y in turn. */
    public static void chart(byte[] bytes) {
        double[] numbers = new double[bytes.length / 8];
        ByteBuffer.wrap(bytes).asDoubleBuffer().get(numbers);
        double[] x = new double[numbers.length / 2];
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = numbers[2 * i];
            y[i] = numbers[2 * i + 1];
        }
        String name = new String(bytes, StandardCharsets.UTF_8);
        checkEscaped(Chart.of(name, name, List.of(new Chart.Series(name, x, y), new Chart.Series(name, y, x))));
    }

    /** No text drives a terminal, and JSON stays the same value. */
    public static void visible(String text) {
        String line = Visible.line(text);
        boolean hidden = Visible.of(text).codePoints().anyMatch(c -> Visible.hides(c) && c != '\r')
                || line.codePoints().anyMatch(c -> c == '\n' || c == '\t' || Visible.hides(c) && c != '\r');
        JsonPrimitive value = new JsonPrimitive(text);
        String json = Visible.json(value.toString());
        if (hidden || json.codePoints().anyMatch(Visible::hides)) {
            throw new IllegalStateException("a character that cannot be seen is left");
        }
        if (!JsonParser.parseString(json).equals(value)) {
            throw new IllegalStateException("the JSON is another value");
        }
    }

    /** A text in an element and in an attribute, in each kind of quotes: a browser shows it as it is meant, and no more. */
    public static void html(String text) {
        String html = Html.text(text);
        String unknown = html.replaceAll("&(?:amp|lt|gt|quot|#39);", "");
        if (unknown.chars()
                .anyMatch(c -> "&<>\"'".indexOf(c) >= 0 || Character.isISOControl(c) && "\n\r\t".indexOf(c) < 0)) {
            throw new IllegalStateException("a text is not escaped");
        }
        String back = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'")
                .replace("&amp;", "&");
        if (!back.equals(new String(Visible.of(text).getBytes(StandardCharsets.UTF_16), StandardCharsets.UTF_16))) {
            throw new IllegalStateException("the page shows another text");
        }
    }

    /** A table whose cells are the words of a text: a line for each row, and no cell that ends its element. */
    public static void table(String text) {
        Table table = new Table("title", "a", "b");
        List<String> words = text.lines().toList();
        for (int i = 0; i + 1 < words.size(); i += 2) {
            table.add(words.subList(i, i + 2));
        }
        if (table.text().lines().count() != 2 + words.size() / 2) {
            throw new IllegalStateException("a cell breaks its line");
        }
        if (table.html().split("<t[hd]>", -1).length - 1 != 2 + words.size() / 2 * 2) {
            throw new IllegalStateException("a cell makes another");
        }
    }

    /** No text of a file becomes an element or ends an attribute. */
    static void checkEscaped(String html) {
        if (html.contains("<script") || html.contains("<zz") || html.indexOf('\u001b') >= 0) {
            throw new IllegalStateException("a text is not escaped");
        }
    }
}
