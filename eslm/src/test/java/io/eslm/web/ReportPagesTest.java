// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.util.OptionalDouble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.eslm.compare.Comparison;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** The report of a run and the page of a comparison in a browser, made from folders of someone who means harm. */
class ReportPagesTest {
    /** Ends what it may stand in, makes an element that runs a script, turns the text around, and is long. */
    private static final String EVIL =
            "'\"></title></style></script><img src=x onerror=hacked=1><script>hacked=2</script>"
                    + "\u202e\u001b[2J &lt; ${hacked=3} " + "x".repeat(400);
    private static final String SHOWN = EVIL.replace("\u202e", "\\u{202E}").replace('\u001b', '\u241b');
    /** As the name of a folder. */
    private static final String EVIL_NAME = "'\"><img src=x onerror=hacked=4>" + "y".repeat(150);
    @TempDir
    private static Path temp;
    private static Path report;
    private static Path comparison;

    @BeforeAll
    static void write() throws IOException {
        Path run = temp.resolve(EVIL_NAME);
        try (RunLog log = RunLog.open(run, config(), 0)) {
            for (int n = 1; n <= 60; n++) {
                log.log(new TrainEvent.Step(n, n * 64L, n * 64L, 5 - n * 1e-3, 6 - n * 1e-3, 0.5, 0.5, 1, 1e-3, 0.5,
                        0.25, 256, Double.NaN, Flops.ZERO));
            }
            Map<String, Double> domains = new LinkedHashMap<>(Map.of(EVIL, 5.0));
            for (int i = 0; i < 10; i++) {
                domains.put("domain " + i, 3.0 + i * 0.1);
            }
            for (long n : new long[] {0, 60}) {
                log.log(new TrainEvent.Evaluated(n, new Evaluation.Result(4, domains, new float[] {3, 5},
                        new double[] {0.5, 0.5}, OptionalDouble.empty())));
            }
            log.log(new TrainEvent.Sampled(60, EVIL, EVIL));
        }
        Files.writeString(run.resolve(HtmlReport.WINDOW), window().toString());
        HtmlReport.write(run);
        report = run.resolve(HtmlReport.FILE);
        comparison = temp.resolve("comparison");
        compare();
    }

    /** Every text of the record is {@link #EVIL}, and so are names of fields. */
    private static JsonObject config() {
        JsonObject o = Json.parse("""
                {"program": "", "started": "", "method": "", "data": "", "parameters": 12, "arguments": ["", ""],
                 "model": {"n_layer": 1, "x": ""}, "options": {"max_iters": 60, "x": ""}, "tokens": {"tokenizer": ""},
                 "machine": {"device": ""}}""");
        return evil(o).getAsJsonObject();
    }

    private static JsonElement evil(JsonElement e) {
        if (e instanceof JsonObject o) {
            JsonObject changed = new JsonObject();
            o.asMap().forEach((name, value) -> changed.add(name.equals("x") ? EVIL : name, evil(value)));
            return changed;
        }
        if (e instanceof JsonArray a) {
            JsonArray changed = new JsonArray();
            a.forEach(value -> changed.add(evil(value)));
            return changed;
        }
        return e instanceof JsonPrimitive p && p.isString() ? new JsonPrimitive(EVIL) : e;
    }

    private static JsonObject window() {
        JsonObject o = Json.parse("""
                {"domain": "", "method": "", "alpha": 0.5, "tokens": [
                 {"pos": 1, "id": 5, "text": "", "loss": 1, "entropy": 3, "selected": true},
                 {"pos": 2, "id": 6, "text": "", "loss": 2, "entropy": 3, "selected": false},
                 {"pos": 3, "id": 6, "text": null, "loss": 2, "entropy": 3, "selected": true}]}""");
        JsonObject changed = evil(o).getAsJsonObject();
        changed.addProperty("risk", "loss");
        return changed;
    }

    private static void compare() throws IOException {
        JsonObject settings = evil(Json.parse("""
                {"program": "", "commit": "", "date": "", "seeds": [7, 8], "data": "", "split": "", "parameters": 1000,
                 "model": {"n_layer": 1}, "options": {"max_iters": 2}, "tokens": {"source": ""},
                 "machine": {"backend": ""}}""")).getAsJsonObject();
        JsonObject methods = new JsonObject();
        methods.addProperty("clm", "clm");
        methods.addProperty(EVIL, EVIL_NAME);
        settings.add("methods", methods);
        Files.createDirectories(comparison);
        Files.writeString(comparison.resolve(Comparison.SETTINGS), settings.toString());
        for (long seed : new long[] {7, 8}) {
            for (String method : List.of("clm", EVIL_NAME)) {
                Path run = Files.createDirectories(Comparison.folder(comparison, seed, method));
                String step = "{\"step\":%d,\"loss\":3,\"ms\":250,\"flops\":{\"forward\":1000000,\"backward\":2000000,"
                        + "\"selection\":0,\"early_exit\":500000}}\n";
                String evaluation = "{\"step\":%d,\"val_loss\":%d,\"domains\":{\"all\":1}}\n";
                Files.writeString(run.resolve(RunLog.METRICS), evaluation.formatted(0, 4) + step.formatted(1)
                        + step.formatted(2) + evaluation.formatted(2, 2 + seed % 2));
                JsonObject end =
                        JsonParser.parseString("{\"step\":2,\"val_loss\":2,\"val_cvar90\":3}").getAsJsonObject();
                JsonObject domains = Json.parse("{\"a\": 1.5}");
                domains.addProperty(EVIL, 2 + seed % 2);
                end.add("domains", domains);
                Comparison.finish(run, seed, end, 0.5);
            }
        }
        Comparison.read(comparison).write(comparison);
    }

    /** Nothing ran, nothing was loaded, and nothing is wider than the window. */
    private static void checkTame(Browser page, long scripts) {
        assertEquals(null, page.eval("window.hacked"));
        assertEquals(0L,
                page.eval("document.querySelectorAll('img, a, iframe, link:not([rel=icon]), [onerror]').length"));
        assertEquals(scripts, page.eval("document.scripts.length"), "its own and no more");
        assertEquals(List.of(), page.errors());
        assertEquals(page.eval("innerWidth"), page.eval("document.documentElement.scrollWidth"), "it scrolls sideways");
    }

    /** How often the hostile text stands on the page, whole. */
    private static long shown(Browser page) {
        return (long) page.eval("document.body.textContent.split(arguments[0]).length - 1", SHOWN);
    }

    private static double number(Browser page, String expression) {
        return ((Number) page.eval(expression)).doubleValue();
    }

    private static void checkReport(Browser page) {
        page.go(report.toUri());
        checkTame(page, 0);
        assertEquals(EVIL_NAME, page.text("h1"));
        assertTrue(page.driver().getTitle().startsWith(EVIL_NAME));
        assertTrue(page.text("header p").startsWith(SHOWN));
        assertTrue(page.text("pre").contains(SHOWN + SHOWN), "prompt and sample");
        assertEquals(SHOWN, page.text(".window b"));
        assertEquals(SHOWN, page.text(".window s"));
        assertEquals(SHOWN, page.text("p.note b"), "the domain of the window");
        // Heading 2, tile 1, legend 1, window 3, sample 2, settings 12, footer 2; the tips of points have its beginning.
        assertEquals(23, shown(page));
    }

    private static void checkComparison(Browser page) {
        page.go(comparison.resolve(Comparison.PAGE).toUri());
        checkTame(page, 6);
        assertEquals(EVIL_NAME, page.eval("document.querySelector('.figures tr:nth-child(3) th').textContent"));
        // The domain's column, the method's note, settings 8, footer 1, heading 1.
        assertTrue(shown(page) >= 10, "shown " + shown(page));
    }

    @Test
    void onADesktop() {
        try (Browser page = Browser.open(1280, 900)) {
            checkReport(page);
            checkComparison(page);
        }
    }

    /** Figures are readable, names leave room for them, and wide tables scroll by themselves, with the keyboard too. */
    @Test
    void onAPhoneInTheDark() {
        try (Browser page = Browser.open(390, 844, true)) {
            checkReport(page);
            assertTrue(number(page, "Math.min(...[...document.querySelectorAll('svg text')]"
                    + ".map(t => t.getBoundingClientRect().height))") >= 11, "numbers at the axes are too small");
            assertEquals(0L, page.eval("[...document.querySelectorAll('svg text')]"
                    + ".filter(t => t.getBoundingClientRect().left < 0).length"));
            assertTrue(number(page, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
                    + ".reduce((a, b) => a + b / 3, 0)") < 60, "the ground is dark");
            checkComparison(page);
            assertTrue(number(page, "document.querySelector('.figures th').getBoundingClientRect().width") <= 150,
                    "a name takes the room of the figures");
            assertTrue(
                    number(page,
                            "document.querySelector('.figures caption span').getBoundingClientRect().right") <= 390,
                    "a title is cut");
            page.eval("document.querySelector('.wide').focus()");
            page.press(Keys.ARROW_RIGHT);
            page.await("the table scrolls", _ -> number(page, "document.querySelector('.wide').scrollLeft") > 0);
        }
    }
}
