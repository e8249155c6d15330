// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.compare.ComparedRun.Point;
import io.eslm.gpt2.train.Flops;
import io.eslm.report.RunLog;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.UserError;
import io.eslm.web.Browser;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

class ComparisonTest {
    private static final String SETTINGS = """
            {"program": "eslm test", "methods": {"clm": "clm", "cvar-loss:alpha=0.1": "cvar", "<b>": "late"},
             "seeds": [7, 8, 9], "data": "a<b", "split": "final", "parameters": 1000, "model": {"n_layer": 1},
             "options": {"max_iters": 2}, "tokens": {"train": 5}, "machine": {"backend": "vector"}}
            """;
    @TempDir
    private Path dir;

    private static ComparedRun run(long seed, double loss, Point... curve) {
        return new ComparedRun(seed, List.of(curve), loss, loss / 4, 2 * loss, Map.of("a", loss, "b", loss + 1),
                Flops.ZERO, 0,
                Double.NaN, new TaskFigures(Map.of()));
    }

    @Test
    void whatALossCostIsLinearBetweenEvaluations() {
        ComparedRun run = run(1, 3, new Point(0, 10, 0, 0), new Point(5, 6, 100, 2), new Point(10, 4, 300, 6),
                new Point(15, 5, 400, 8), new Point(20, 3, 500, 10));
        assertEquals(75, run.flopsTo(7), 1e-12, "three quarters of the way from 10 to 6");
        assertEquals(1.5, run.secondsTo(7), 1e-12);
        assertEquals(300, run.flopsTo(4), 1e-12, "where an evaluation found it");
        assertEquals(450, run.flopsTo(4 - 1e-12), 1e-6, "a little less comes later: halfway from 5 to 3");
        assertEquals(0, run.flopsTo(11), 1e-12, "a new model is better already");
        assertTrue(Double.isNaN(run.flopsTo(2.99)), "never reached");
        assertTrue(Double.isNaN(run(1, 3).flopsTo(5)), "never evaluated");
    }

    /** Differences −0.5, −0.25, −0.75: mean −0.5, deviation 0.25, t = −0.5/(0.25/√3) = −3.464, 2 degrees of freedom. */
    @Test
    void pairedTestByHand() {
        List<ComparedRun> base = List.of(run(1, 1.5), run(2, 2.25), run(3, 3.75));
        ComparedMethod method = new ComparedMethod("m", "m", List.of(run(1, 1), run(2, 2), run(3, 3)), base);
        assertEquals(new SampleStats(-0.5, 0.25, 3, false), method.difference(ComparedRun::loss));
        assertEquals(new SampleStats(-1, 0.5, 3, false), method.difference(ComparedRun::tail));
        // Student's t with 2 degrees of freedom in closed form: p = 1 − t/√(t² + 2).
        double t = 2 * Math.sqrt(3);
        assertEquals(1 - t / Math.sqrt(t * t + 2), method.pValue(ComparedRun::loss), 1e-12);
        assertEquals(new SampleStats(2, 1, 3, false), method.stats(ComparedRun::loss));
        assertEquals(new SampleStats(3, 1, 3, false), method.stats(ComparedRun::worstDomain));
        assertTrue(Double.isNaN(new ComparedMethod("m", "m", base, base).pValue(ComparedRun::loss)),
                "nothing differs, nothing to test");
        assertTrue(Double.isNaN(new ComparedMethod("m", "m", base.subList(0, 1), base).pValue(ComparedRun::loss)),
                "one pair");
    }

    /** The first seed takes 3/4 of the base's FLOPs and half its seconds, the second never gets there, the third has no base. */
    @Test
    void ratiosAreOverTheSeedsThatGotThere() {
        ComparedRun base = run(1, 2, new Point(0, 4, 0, 0), new Point(1, 2, 100, 10));
        ComparedMethod method = new ComparedMethod("m", "m", List.of(
                run(1, 1, new Point(0, 4, 0, 0), new Point(1, 2, 75, 5), new Point(2, 1, 150, 10)),
                run(2, 3, new Point(0, 4, 0, 0), new Point(1, 3, 75, 5)), run(3, 1)),
                Arrays.asList(base, base, null));
        assertEquals(2, method.paired());
        assertEquals(0.75, Math.exp(method.flopsToBase().mean()), 1e-12);
        assertEquals(0.5, Math.exp(method.secondsToBase().mean()), 1e-12);
        assertEquals(1, method.flopsToBase().n());
    }

    /** t for 95 % from tables: 12.706 with 1 degree of freedom, 4.303 with 2, 2.776 with 4. */
    @Test
    void intervalsByHand() {
        assertEquals(12.706, SampleStats.of(1, 3).halfWidth(), 1e-3, "deviation √2, n 2: t·√2/√2");
        assertEquals(4.303 / Math.sqrt(3), SampleStats.of(1, 2, 3).halfWidth(), 1e-3);
        assertEquals(2.776 * Math.sqrt(2.5) / Math.sqrt(5), SampleStats.of(1, 2, 3, 4, 5).halfWidth(), 1e-3);
        assertTrue(Double.isNaN(SampleStats.of(1).halfWidth()));
        SampleStats ratios = SampleStats.ofRatios(0.5, 2, 1);
        assertEquals("1.00 [0.18, 5.59]", ratios.text("%.2f"), "geometric; e^(±4.303·ln 2/√3)");
        JsonObject json = ratios.json();
        assertEquals(1, json.get("mean").getAsDouble(), 1e-12);
        assertEquals(1, json.getAsJsonArray("ci95").get(0).getAsDouble() * json.getAsJsonArray("ci95").get(1)
                .getAsDouble(), 1e-12, "the same for the inverse");
        assertEquals("0.00", SampleStats.ofRatios(0, 1).text("%.2f"), "no interval");
        assertTrue(SampleStats.ofRatios(0, 1).json().get("ci95").isJsonNull());
    }

    @Test
    void spreadsAsText() {
        assertEquals("2.00 ± 12.71", SampleStats.of(1, 3).text("%.2f"));
        assertEquals("+2.00 ± 12.71", SampleStats.of(1, 3).text("%+.2f"));
        assertEquals("1.00", SampleStats.of(1).text("%.2f"));
        assertEquals("–", SampleStats.of().text("%.2f"));
        assertEquals("123.5 ± 6.4", SampleStats.of(123, 124).text(4));
        assertEquals("12,345", SampleStats.of(12345).text(4));
        assertEquals("0.01234", SampleStats.of(0.012341).text(4));
    }

    // ---- from folders

    private void writeRun(long seed, String method, double loss, double ms, long forward) throws IOException {
        Path run = Files.createDirectories(Comparison.folder(dir, seed, method));
        String step = "{\"step\":%d,\"loss\":3,\"ms\":" + ms + ",\"flops\":{\"forward\":" + forward
                + ",\"backward\":2000000,\"selection\":0,\"early_exit\":500000}}\n";
        String evaluation = "{\"step\":%d,\"val_loss\":%s,\"domains\":{\"all\":1}}\n";
        Files.writeString(run.resolve(RunLog.METRICS), evaluation.formatted(0, 4) + step.formatted(1)
                + step.formatted(2) + evaluation.formatted(2, loss));
        Comparison.finish(run, seed, JsonParser.parseString("{\"step\":2,\"val_loss\":" + loss
                + ",\"val_cvar90\":null,\"domains\":{\"a\":" + loss + ",\"b\":1.5}}").getAsJsonObject(),
                seed == 9 ? 0.25 : 0.01);
    }

    private JsonObject comparison() throws IOException {
        Files.writeString(dir.resolve(Comparison.SETTINGS), SETTINGS);
        writeRun(7, "clm", 2, 500, 1_000_000);
        writeRun(8, "clm", 2.5, 500, 1_000_000);
        writeRun(7, "cvar", 1, 250, 1_500_000);
        writeRun(9, "cvar", 3, 250, 1_500_000);
        Comparison.read(dir).write(dir);
        return Json.read(dir.resolve(Comparison.FIGURES)).object();
    }

    @Test
    void figuresOfTheFinishedRuns() throws IOException {
        var methods = comparison().getAsJsonArray("methods");
        assertEquals(2, methods.size(), "no run of the third is finished");
        JsonObject cvar = methods.get(1).getAsJsonObject();
        assertEquals("cvar-loss:alpha=0.1", cvar.get("method").getAsString());
        JsonObject loss = cvar.getAsJsonObject("loss");
        assertEquals(2, loss.get("mean").getAsDouble());
        assertEquals(Math.sqrt(2), loss.get("sd").getAsDouble());
        assertEquals(2 + 12.706, loss.getAsJsonArray("ci95").get(1).getAsDouble(), 1e-3);
        assertEquals(2, loss.get("n").getAsInt());
        assertEquals(JsonParser.parseString("{\"mean\":-1.0,\"sd\":null,\"ci95\":null,\"n\":1}"),
                cvar.get("loss_less_base"),
                "seed 7 alone has both");
        assertTrue(cvar.get("loss_p_value").isJsonNull());
        assertEquals((Math.E + Math.exp(3)) / 2, cvar.getAsJsonObject("perplexity").get("mean").getAsDouble(), 1e-12);
        assertEquals((Math.exp(1.5) + Math.exp(3)) / 2,
                cvar.getAsJsonObject("worst_domain_perplexity").get("mean").getAsDouble(), 1e-12, "b, then a");
        assertEquals(1.5 - 2, cvar.getAsJsonObject("worst_domain_loss_less_base").get("mean").getAsDouble(), 1e-12);
        assertTrue(cvar.getAsJsonObject("cvar90").get("mean").isJsonNull(), "not known here");
        JsonObject first = cvar.getAsJsonArray("runs").get(0).getAsJsonObject();
        assertEquals(0.5, first.get("seconds").getAsDouble());
        assertEquals(3_000_000, first.getAsJsonObject("flops").get("forward").getAsLong());
        assertEquals(2.0 / 3 * 8 / 7, first.get("flops_to_base").getAsDouble(), 1e-12,
                "at 2 two thirds of the way from 4 to 1, with 8 MFLOP in all against 7");
        assertEquals(2.0 / 3 * 0.5, first.get("seconds_to_base").getAsDouble(), 1e-12);
        assertTrue(cvar.getAsJsonArray("runs").get(1).getAsJsonObject().get("flops_to_base").isJsonNull());
        JsonObject domains = cvar.getAsJsonObject("domain_perplexity");
        assertEquals((Math.E + Math.exp(3)) / 2, domains.getAsJsonObject("a").get("mean").getAsDouble(), 1e-12);
    }

    /** What the figures come from, also where an older version wrote the settings. */
    @Test
    void figuresTellWhereTheyComeFrom() throws IOException {
        JsonObject old = comparison().getAsJsonObject("provenance");
        assertTrue(old.get("commit").isJsonNull());
        assertEquals(0.25, old.get("other_load").getAsDouble(), "the most disturbed run");
        Files.writeString(dir.resolve(Comparison.SETTINGS), SETTINGS.replace("\"program\"",
                "\"commit\": \"abc\", \"date\": \"2026-03-01T12:00:00Z\", \"program\""));
        Comparison.read(dir).write(dir);
        JsonObject now = Json.read(dir.resolve(Comparison.FIGURES)).object().getAsJsonObject("provenance");
        assertEquals("abc", now.get("commit").getAsString());
        assertEquals("vector", now.getAsJsonObject("machine").get("backend").getAsString());
        assertTrue(Files.readString(dir.resolve(Comparison.PAGE)).contains("abc"));
    }

    /** A method's folder lies in that of its seed, whatever a file says. */
    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "", "a/b", "/tmp", "a\\u0000b", "a\\\\b"})
    void aMethodHasAFolderOfItsOwn(String folder) throws IOException {
        Files.writeString(dir.resolve(Comparison.SETTINGS),
                "{\"seeds\":[7],\"methods\":{\"clm\":\"clm\",\"x\":\"" + folder + "\"}}");
        String message = assertThrows(UserError.class, () -> Comparison.read(dir)).getMessage();
        assertTrue(message.contains("\"methods.x\" is") && message.endsWith("expected the name of a folder"), message);
    }

    @Test
    void tablesAndPage() throws IOException {
        comparison();
        String text = Comparison.read(dir).text();
        assertTrue(text.contains("cvar         2           –   11.40 ± 110.34   2.0000 ± 12.7062     -1.0000   –"),
                text);
        assertTrue(text.contains("cvar is cvar-loss:alpha=0.1."), text);
        assertTrue(text.contains("other programs used the machine during cvar seed 9 (25 %)."), text);
        assertTrue(text.contains("MFLOP") && text.contains("0.762"), text);
        assertTrue(text.contains("One seed says nothing about chance"), text);
        writeRun(8, "cvar", 2, 250, 1_500_000);
        assertTrue(Comparison.read(dir).text().contains("With 2 seeds, the intervals are wide and unreliable"), text);
        Files.delete(Comparison.folder(dir, 8, "cvar").resolve("final.json"));
        assertTrue(text.contains("4 of 9 runs are finished"), text);
        String html = Files.readString(dir.resolve(Comparison.PAGE));
        assertTrue(html.contains("a&lt;b") && !html.contains("a<b"), "texts are escaped");
        String markup = html.replaceAll("(?s)<script>.*?</script>", "");
        assertFalse(markup.matches("(?s).*(http:|https:|src=|@import|url\\().*"), "nothing is loaded from elsewhere");
        assertTrue(html.contains("cvar, 8.000 MFLOP: 2.0000"), "the curve of seed 7 and 9 ends at 2");
        assertTrue(html.contains("cvar, 0.5000 s: 2.0000"), "and so against seconds");
    }

    private void writeTasks(long seed, String method, String tasks) throws IOException {
        Files.writeString(Comparison.folder(dir, seed, method).resolve("tasks.json"), "{\"tasks\":" + tasks + "}");
    }

    /** Tasks by methods, means and intervals by hand: t is 12.706 with 1 degree of freedom. */
    @Test
    void tasksOfTheRuns() throws IOException {
        comparison();
        writeRun(8, "cvar", 2, 250, 1_500_000);
        writeTasks(7, "clm",
                "{\"piqa\":{\"acc\":0.5,\"acc_stderr\":0.1,\"acc_norm\":0.6},\"lambada_openai\":{\"perplexity\":40,\"acc\":0.2}}");
        writeTasks(8, "clm",
                "{\"piqa\":{\"acc\":0.5,\"acc_norm\":0.6},\"lambada_openai\":{\"perplexity\":42,\"acc\":0.3}}");
        writeTasks(7, "cvar",
                "{\"piqa\":{\"acc\":0.6,\"acc_norm\":0.7},\"lambada_openai\":{\"perplexity\":30,\"acc\":0.4}}");
        writeTasks(8, "cvar", "{\"piqa\":{\"acc\":0.7,\"acc_norm\":0.65}}");
        Comparison read = Comparison.read(dir);
        String text = read.text();
        assertTrue(text.contains("""
                Tasks after the last step, zero-shot
                task                                    clm              cvar
                piqa acc                    0.5000 ± 0.0000   0.6500 ± 0.6353
                piqa acc_norm               0.6000 ± 0.0000   0.6750 ± 0.3177
                lambada_openai perplexity     41.00 ± 12.71             30.00
                lambada_openai acc          0.2500 ± 0.6353            0.4000
                mean accuracy               0.4250 ± 0.3177            0.5500
                minus clm                                 –           +0.1500
                p                                         –                 –
                """), text);
        assertTrue(text.contains("Mean accuracy: of acc_norm where a task has it"), text);
        JsonObject cvar = read.json().getAsJsonArray("methods").get(1).getAsJsonObject();
        JsonObject piqa = cvar.getAsJsonObject("tasks").getAsJsonObject("piqa");
        assertEquals(0.65, piqa.getAsJsonObject("acc").get("mean").getAsDouble(), 1e-12);
        assertEquals(0.15, piqa.getAsJsonObject("acc_less_base").get("mean").getAsDouble(), 1e-12);
        // the differences 0.1 and 0.2: t = 3 with 1 degree of freedom, p = 1 - 2/π·atan(3)
        assertEquals(1 - 2 / Math.PI * Math.atan(3), piqa.get("acc_p_value").getAsDouble(), 1e-9);
        assertEquals(1, cvar.getAsJsonObject("tasks").getAsJsonObject("lambada_openai").getAsJsonObject("acc").get("n")
                .getAsInt(), "seeds 8 and 9 were not evaluated on it");
        assertEquals(0.7, cvar.getAsJsonArray("runs").get(0).getAsJsonObject().getAsJsonObject("tasks")
                .getAsJsonObject("piqa").get("acc_norm").getAsDouble());
        read.write(dir);
        assertTrue(Files.readString(dir.resolve(Comparison.PAGE)).contains("<th>lambada_openai perplexity<td>"));
    }

    /** In a browser: curves of each seed and the means with their intervals, which can be read and left out. */
    @Test
    void thePageHasCurvesToRead() throws IOException {
        comparison();
        for (String run : List.of("7 clm", "8 clm", "7 cvar", "9 cvar")) {
            Path file = Comparison.folder(dir, Long.parseLong(run.substring(0, 1)), run.substring(2))
                    .resolve(RunLog.METRICS);
            Files.writeString(file,
                    Files.readString(file).replaceAll("(?s).*?\\n(.*)", "$1").replace("\"step\":2", "\"step\":3"),
                    StandardOpenOption.APPEND);
        }
        Comparison.read(dir).write(dir);
        try (Browser browser = Browser.open(1200, 900)) {
            browser.go(dir.resolve(Comparison.PAGE).toUri());
            assertEquals(List.of("clm", "cvar"),
                    browser.all("#charts figure:first-child .u-series:not([hidden]) .u-label")
                            .stream().map(WebElement::getText).skip(1).toList());
            WebElement plot = browser.find(".plot");
            plot.sendKeys(Keys.ARROW_LEFT);
            assertTrue(browser.text(".u-legend").contains("2 (-10.71 to 14.71)"), browser.text(".u-legend"));
            String picture = "document.querySelector('#charts canvas').toDataURL()";
            Object all = browser.eval(picture);
            browser.find("#seeds").click();
            Object means = browser.eval(picture);
            browser.find("#intervals").click();
            assertEquals(3, Set.of(all, means, browser.eval(picture)).size(), "each box changes the picture");
            assertEquals(List.of(), browser.errors());
        }
    }
}
