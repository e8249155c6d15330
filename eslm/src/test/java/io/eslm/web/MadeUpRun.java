// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes the files of a run that never was. */
final class MadeUpRun {
    /** A text that does harm where it is not escaped, hides half of itself, and reads backwards. */
    static final String EVIL = "<img src=x onerror=hacked=1></script><script>hacked=2</script>'\"&\u202Eabc\u0007";
    /** {@link #EVIL} in JSON. */
    private static final String QUOTED = "\"" + EVIL.replace("\"", "\\\"").replace("\u0007", "\\u0007") + "\"";
    /** A key that is no ordinary one in JavaScript. */
    private static final String PROTO = "\"__proto__\"";

    private final Path dir;

    MadeUpRun(Path dir) throws IOException {
        this.dir = Files.createDirectories(dir);
        Files.createDirectories(dir.resolve(RunLog.SAMPLES));
    }

    /** config.json with a rate of {@code learningRate}. */
    MadeUpRun config(int maxIters, double learningRate) throws IOException {
        Files.writeString(dir.resolve(RunLog.CONFIG), String.format(Locale.ROOT, """
                {"method": %s, "data": %s, "parameters": 1000, %s: %s, "arguments": [%s],
                 "options": {"max_iters": %d, "learning_rate": %s}, "machine": {"device": %s}}
                """, QUOTED, QUOTED, QUOTED, QUOTED, QUOTED, maxIters, learningRate, QUOTED));
        return this;
    }

    /** Steps {@code from} to {@code to}, and an evaluation every thousandth part. */
    MadeUpRun steps(int from, int to) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int s = from; s <= to; s++) {
            lines.append(step(s));
            if (s % Math.max(1, to / 20) == 0) {
                lines.append(String.format(Locale.ROOT,
                        "{\"step\":%d,\"val_loss\":%.4f,\"val_perplexity\":9,\"val_cvar90\":6,\"domains\":{%s:3,%s:4}}\n",
                        s,
                        3 + 2.0 / s, QUOTED, PROTO));
            }
        }
        return append(RunLog.METRICS, lines.toString());
    }

    static String step(int s) {
        return "{\"step\":" + s + ",\"tokens\":" + 64L * s + ",\"loss\":" + (4 + 100.0 / (s + 20) + s % 7 * 0.1)
                + ",\"kept_loss\":4.5,\"kept_fraction\":0.9,\"alpha\":0.1,\"var\":0.5,\"lr\":0.001,\"grad_norm\":1.5,\"ms\":10,"
                + "\"tokens_per_s\":6400,\"mfu\":0.3,\"flops\":{\"forward\":10,\"backward\":20}}\n";
    }

    /** Records of {@code n} steps, ten apart, of parts with hostile names; the value of part r at record c is 10^(r−c). */
    MadeUpRun layers(int n) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int c = 0; c < n; c++) {
            String parts = String.format(Locale.ROOT, "{\"embedding\":%s,\"blocks.0.mlp\":%s,%s:%s}", Math.pow(10, -c),
                    Math.pow(10, 1 - c), QUOTED, Math.pow(10, 2 - c));
            lines.append("{\"step\":" + 10 * (c + 1) + ",\"gradient\":" + parts + ",\"update\":" + parts
                    + ",\"activation\":{\"embedding\":1},\"dead\":{\"blocks.0\":0.25}}\n");
        }
        return append(RunLog.LAYERS, lines.toString());
    }

    /** A window of {@code tokens} tokens; of {@code shots} evaluations, number i drops the first i tokens. */
    MadeUpRun window(int tokens, int shots) throws IOException {
        Files.writeString(dir.resolve(HtmlReport.WINDOW), IntStream.range(0, tokens)
                .mapToObj(i -> "{\"pos\":" + (i + 1) + ",\"id\":" + i + ",\"text\":"
                        + (i % 5 == 0 ? QUOTED : "\" w" + i + "\"")
                        + ",\"loss\":" + i + ",\"entropy\":2,\"selected\":true}")
                .collect(Collectors.joining(",", "{\"domain\":" + QUOTED + ",\"method\":" + QUOTED
                        + ",\"alpha\":0.5,\"risk\":\"loss\",\"tokens\":[", "]}")));
        String losses = IntStream.range(0, tokens).mapToObj(String::valueOf).collect(Collectors.joining(","));
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < shots; i++) {
            lines.append(
                    "{\"step\":" + 100 * (i + 1) + ",\"alpha\":0.5,\"loss\":[" + losses + "],\"entropy\":[" + losses
                            + "],\"selected\":\"" + "0".repeat(i) + "1".repeat(tokens - i) + "\"}\n");
        }
        return append(RunLog.WINDOWS, lines.toString());
    }

    MadeUpRun sample(int step) throws IOException {
        Files.writeString(dir.resolve(RunLog.SAMPLES).resolve("step-" + step + ".txt"), "Sample " + step + " "
                + EVIL + "\n");
        return this;
    }

    MadeUpRun append(String file, String text) throws IOException {
        Files.writeString(dir.resolve(file), text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        return this;
    }

    Path dir() {
        return dir;
    }
}
