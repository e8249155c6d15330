// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import java.util.Optional;
import java.util.OptionalDouble;
import io.eslm.gpt2.tokenizer.TokenTexts;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.select.token.TokenScores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
    private static final String EVIL = "<script>alert('&\"')</script>";
    @TempDir
    private Path dir;

    private static JsonObject config() {
        JsonObject o = new JsonObject();
        o.addProperty("program", "eslm");
        o.addProperty("started", "today");
        o.addProperty("method", "cvar-loss:alpha=0.5");
        o.addProperty("data", EVIL);
        o.addProperty("parameters", 12);
        JsonObject options = new JsonObject();
        options.addProperty("max_iters", 1000);
        o.add("options", options);
        for (String part : List.of("model", "tokens", "machine")) {
            o.add(part, new JsonObject());
        }
        return o;
    }

    private static JsonObject window() {
        JsonObject o = new JsonObject();
        o.addProperty("domain", EVIL);
        o.addProperty("method", "cvar-loss");
        o.addProperty("alpha", 0.5);
        o.addProperty("risk", "loss");
        JsonArray tokens = new JsonArray();
        TokenScores scores = new TokenScores(new int[] {27, 12, 198}, new float[] {1, 4, 2}, new float[] {3, 3, 3});
        ScoreLines.of(scores, new boolean[] {false, true, true}, new TokenTexts(Optional.of(new Gpt2Tokenizer())))
                .forEach(tokens::add);
        o.add("tokens", tokens);
        return o;
    }

    private String report() throws IOException {
        HtmlReport.write(dir);
        return Files.readString(dir.resolve(HtmlReport.FILE));
    }

    @Test
    void showsTheRunAndNeedsNothingElse() throws IOException {
        try (RunLog log = RunLog.open(dir, config(), 0)) {
            for (int n = 1; n <= 1000; n++) {
                log.log(new TrainEvent.Step(n, n * 64L, n * 64L, 5 - n * 1e-3, 6 - n * 1e-3, 0.5, 0.5, 1, 1e-3, 0.5,
                        0.25, 256, Double.NaN, Flops.ZERO));
            }
            log.log(new TrainEvent.Evaluated(1000, new Evaluation.Result(4, Map.of("prose", 3.0, "code", 5.0),
                    new float[] {3, 5}, new double[] {0.5, 0.5}, OptionalDouble.of(4))));
            log.log(new TrainEvent.Sampled(1000, "Once", EVIL));
        }
        Files.writeString(dir.resolve(HtmlReport.WINDOW), window().toString());
        String html = report();
        assertFalse(html.contains("<script"), "texts are escaped");
        assertTrue(html.contains("Once&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
        assertFalse(html.matches("(?s).*(http:|https:|src=|@import|url\\().*"), "nothing is loaded from elsewhere");
        assertTrue(html.contains("step 1,000 of 1,000") && html.contains("<strong>4.000</strong>"));
        assertTrue(html.contains(">prose</span>") && html.contains("<small>code</small>"),
                "domains, and the worst of them");
        assertEquals(7, html.split("<svg").length - 1);
        assertTrue(html.length() < 200_000, "long runs are thinned: " + html.length());
        assertTrue(html.contains(
                "<s style='--r:0.25' title='loss 1.000 · entropy 3.000 · rank 3 of 3 · id 27 · dropped'>&lt;</s>"),
                html.substring(html.indexOf("class=window")));
        assertTrue(html.contains("rank 1 of 3 · id 12'>-</b>") && html.contains("<i>↵</i>\n</b>"));
        assertTrue(html.contains("<s>1 of them</s>"));
    }

    @Test
    void tasksHaveACurveAndATable() throws IOException {
        try (RunLog log = RunLog.open(dir, config(), 0)) {
            for (int n = 1; n <= 2; n++) {
                log.log(new TrainEvent.Tasks(n,
                        new TreeMap<>(Map.of("piqa", new TreeMap<>(Map.of("acc", 0.5, "acc_stderr", 0.25,
                                "acc_norm", n / 4.0)), "wikitext", Map.of("word_perplexity", 30.0)))));
            }
        }
        String html = report();
        assertEquals(1, html.split("<svg").length - 1, "accuracies alone");
        assertTrue(html.contains("piqa, step 1: 0.2500") && html.contains("piqa, step 2: 0.5000"), html);
        assertTrue(html.contains("After step 2, with standard errors"), html);
        assertTrue(html.contains("<th>piqa<td>acc<td>0.5000 ± 0.2500"), html);
        assertTrue(html.contains("<th>piqa<td>acc_norm<td>0.5000<"), html);
        assertTrue(html.contains("<th>wikitext<td>word_perplexity<td>30.0000"), html);
    }

    @Test
    void aRunWithoutStepsHasAReport() throws IOException {
        RunLog.open(dir, config(), 0).close();
        assertTrue(report().contains("step 0 of 1,000"));
    }

    @Test
    void axesHaveRoundNumbers() {
        assertEquals(0.2, Chart.niceStep(1, 5), 1e-12);
        assertEquals(50, Chart.niceStep(230, 5), 1e-9);
        assertEquals("0.25", Chart.number(0.25, 0.05));
        assertEquals("0", Chart.number(1e-17, 1));
        assertEquals("12,000", Chart.number(12000, 2000));
        assertEquals("2.0e-05", Chart.number(2e-5, 1e-5));
    }

    @Test
    void pointsThatAreNoNumbersInterruptTheCurve() {
        String svg = Chart.of("t", "", List.of(new Chart.Series("s", new double[] {1, 2, 3, 4},
                new double[] {1, Double.NaN, 2, 3})));
        assertTrue(svg.matches("(?s).*class='line s0' d='M[\\d.]+ [\\d.]+M[\\d.]+ [\\d.]+L[\\d.]+ [\\d.]+'.*"), svg);
        assertEquals("",
                Chart.of("t", "", List.of(new Chart.Series("s", new double[] {1}, new double[] {Double.NaN}))));
    }

    @Test
    void brokenCharactersBecomeVisible() {
        assertEquals("a\u2400b\uFFFDc\uD83D\uDE00\n", Html.text("a\0b\uD83Dc\uD83D\uDE00\n"));
    }
}
