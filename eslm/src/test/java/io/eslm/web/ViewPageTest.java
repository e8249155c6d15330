// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.report.RunLog;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.Select;

/** The page of finished and growing runs, in a browser. */
class ViewPageTest {
    private static Browser browser;
    @TempDir
    private Path dir;

    @BeforeAll
    static void open() {
        browser = Browser.open(1200, 1000);
    }

    @AfterAll
    static void quit() {
        if (browser != null) {
            browser.close();
        }
    }

    /** Writes the page of {@code runs} with the command, and opens the file. */
    private void show(Path... runs) {
        Path page = dir.resolve("page.html");
        String[] words = new String[runs.length + 3];
        words[0] = "view";
        for (int i = 0; i < runs.length; i++) {
            words[i + 1] = runs[i].toString();
        }
        words[runs.length + 1] = "--out";
        words[runs.length + 2] = page.toString();
        Program.run(words).ok();
        go(page.toUri());
    }

    private static void go(URI page) {
        browser.go(page);
        browser.await("the page to be drawn",
                d -> d.executeScript("return document.body.dataset.drawn ?? null") != null);
    }

    private static String text(String css) {
        return (String) browser.eval("document.querySelector(arguments[0]).textContent", css);
    }

    private static double number(String expression) {
        return ((Number) browser.eval(expression)).doubleValue();
    }

    private static void noErrors() {
        assertEquals(List.of(), browser.errors());
    }

    @Test
    void aHundredThousandPoints() throws IOException {
        show(new MadeUpRun(dir.resolve("long")).config(100_000, 1e-3).steps(1, 100_000).dir());
        assertEquals("Finished · step 100,000 of 100,000", text("#state"));
        assertEquals(4 * 100_000 + 2 * 20, (long) number("Number(document.querySelector('.plot').dataset.points)"));
        assertTrue(number("(b => { redraw(); return performance.now() - b })(performance.now())") > 0);
        noErrors();
        assertTrue(Files.size(dir.resolve("page.html")) < 9_000_000, "13 columns of float32, in base64");
    }

    @Test
    void tasksHaveCurves() throws IOException {
        MadeUpRun run = new MadeUpRun(dir.resolve("tasks")).config(10, 1e-3).steps(1, 10);
        for (int step : new int[] {5, 10}) {
            run.append(RunLog.METRICS,
                    "{\"step\":" + step + ",\"tasks\":{\"lambada_openai\":{\"perplexity\":40,\"acc\":0.25,"
                            + "\"acc_stderr\":0.1},\"piqa\":{\"acc\":0.5,\"acc_norm\":0.6}}}\n");
        }
        show(run.dir());
        String labels = "[...document.querySelectorAll('figure')].filter(f => f.textContent.startsWith(arguments[0]))"
                + ".map(f => [...f.querySelectorAll('.u-label')].map(l => l.textContent).join('|') + ' '"
                + " + f.querySelector('.plot').dataset.points)[0]";
        assertEquals("step|lambada_openai acc|piqa acc|piqa acc_norm 6", browser.eval(labels, "Tasksaccuracy"));
        assertEquals("step|lambada_openai perplexity 2", browser.eval(labels, "Tasks with a perplexity"));
        noErrors();
    }

    /** In every place that shows text: nothing runs, nothing is hidden, nothing reads backwards. */
    @Test
    void hostileTextsAreShown() throws IOException {
        Path name = dir.resolve(MadeUpRun.EVIL.replace("/", ""));
        show(new MadeUpRun(name).config(10, 1e-3).steps(1, 10).layers(3).window(12, 3).sample(5).dir());
        String shown = "<img src=x onerror=hacked=1></script><script>hacked=2</script>'\"&\\u{202E}abc\u2407";
        assertEquals(shown.replace("/", ""), text("#name"));
        assertEquals(shown.replace("/", "") + " · ESLM", browser.driver().getTitle());
        assertTrue(text("#summary").equals(shown + " on " + shown + " · 1,000 parameters"), text("#summary"));
        for (String css : List.of("#charts", "#about-window", "#tokens", "#texts", "#table")) {
            assertTrue(text(css).contains(shown), css);
        }
        assertTrue(text("#charts").contains("__proto__"), "a domain of that name is one like others");
        WebElement cells = browser.find("[data-picture=gradient] canvas");
        cells.sendKeys(Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ARROW_DOWN);
        assertTrue(text("[data-picture=gradient] .reading").contains(shown), text("[data-picture=gradient] .reading"));
        browser.find("#tokens").sendKeys(Keys.HOME);
        assertTrue(text("#token").contains(shown), text("#token"));
        assertEquals(0, browser.all("img").size());
        assertEquals(true, browser.eval("typeof hacked === 'undefined'"));
        noErrors();
    }

    @Test
    void heatMapsTellValues() throws IOException {
        show(new MadeUpRun(dir.resolve("run")).config(100, 1e-3).steps(1, 100).layers(10).dir());
        WebElement cells = browser.find("[data-picture=gradient] canvas");
        double left = number("maps.get('gradient').left");
        double column = (cells.getSize().width - left) / 10;
        browser.hover(cells, (int) (left + 3.5 * column), 22);
        assertEquals("step 40 · block 0 mlp: 0.01", text("[data-picture=gradient] .reading"));
        cells.sendKeys(Keys.ARROW_RIGHT);
        assertEquals("step 50 · block 0 mlp: 0.001", text("[data-picture=gradient] .reading"));
        cells.sendKeys(Keys.ARROW_UP);
        assertEquals("step 50 · embedding: 1.00e-4", text("[data-picture=gradient] .reading"));
        double high = light(cells, left + 0.5 * column, 37);
        double low = light(cells, left + 9.5 * column, 7);
        assertTrue(high > low + 100, "large values are light, small ones dark: " + high + " " + low);
        noErrors();
    }

    /** The sum of red, green and blue of a pixel. */
    private static double light(WebElement canvas, double x, double y) {
        return ((Number) browser.eval("(p => p[0] + p[1] + p[2])(arguments[0].getContext('2d')"
                + ".getImageData(arguments[1], arguments[2], 1, 1).data)", canvas, x, y)).doubleValue();
    }

    @Test
    void theSliderGoesThroughTime() throws IOException {
        show(new MadeUpRun(dir.resolve("run")).config(100, 1e-3).steps(1, 100).window(12, 5).dir());
        assertEquals("step 500", text("#when"));
        assertEquals(4, browser.all("#tokens .dropped").size());
        browser.find("#time").sendKeys(Keys.ARROW_LEFT, Keys.ARROW_LEFT);
        assertEquals("step 300", text("#when"));
        assertEquals(2, browser.all("#tokens .dropped").size());
        assertTrue(text("#about-window").contains("At α = 0.5, 2 of them would be dropped"), text("#about-window"));
        browser.hover(browser.all("#tokens span").get(1), 3, 5);
        assertEquals("“ w1”: loss 1, entropy 1, rank 11 of 12, dropped", text("#token"));
        browser.find("#tokens").sendKeys(Keys.ARROW_RIGHT);
        assertEquals("“ w2”: loss 2, entropy 2, rank 10 of 12", text("#token"));
        browser.find("#time").sendKeys(Keys.HOME);
        assertEquals("step 100", text("#when"));
        browser.find("#play").click();
        browser.await("the last evaluation", _ -> text("#when").equals("step 500") && text("#play").equals("Play"));
        noErrors();
    }

    @Test
    void zoomAxesAndSmoothing() throws IOException {
        show(new MadeUpRun(dir.resolve("run")).config(1000, 1e-3).steps(1, 1000).dir());
        WebElement over = browser.find("#charts .u-over");
        String range = "(s => s.min + ' ' + s.max)(charts[0].chart.scales.x)";
        String all = (String) browser.eval(range);
        new Actions(browser.driver()).moveToElement(over, -100, 0).clickAndHold().moveByOffset(150, 0).release()
                .perform();
        String zoomed = (String) browser.eval(range);
        assertNotEquals(all, zoomed);
        assertEquals(zoomed, browser.eval(range.replace("[0]", "[4]")), "all charts show the same steps");
        browser.find("#all").click();
        assertEquals(all, browser.eval(range));
        WebElement plot = browser.find(".plot");
        plot.sendKeys(Keys.ARROW_LEFT);
        String read = text(".u-legend");
        plot.sendKeys(Keys.ARROW_LEFT);
        assertNotEquals(read, text(".u-legend"));
        plot.sendKeys("+");
        assertNotEquals(all, browser.eval(range));
        plot.sendKeys("0");
        assertEquals(all, browser.eval(range));
        new Select(browser.find("#part")).selectByVisibleText("the newest tenth");
        assertEquals("900.1 1000", browser.eval(range));
        browser.find("#all").click();
        assertEquals(all, browser.eval(range));
        new Select(browser.find("#axis")).selectByValue("seconds");
        assertEquals("10", browser.eval("String(Math.round(charts[0].chart.scales.x.max))"), "1000 steps of 10 ms");
        new Select(browser.find("#axis")).selectByValue("flops");
        assertEquals("30000", browser.eval("String(Math.round(charts[0].chart.scales.x.max))"));
        browser.find("#logx").click();
        browser.find("#logy").click();
        assertEquals("3 3", browser.eval("charts[0].chart.scales.x.distr + ' ' + charts[0].chart.scales.y.distr"));
        browser.find("#smooth").sendKeys(Keys.HOME);
        assertEquals("off", text("#smoothed"));
        browser.await("no faint curves", _ -> browser.all("#charts .raw").isEmpty());
        noErrors();
    }

    @Test
    void severalRunsAndWhatDiffers() throws IOException {
        Path a = new MadeUpRun(dir.resolve("first")).config(20, 1e-3).steps(1, 20).layers(2).dir();
        Path b = new MadeUpRun(dir.resolve("second")).config(20, 3e-4).steps(1, 10).window(4, 1).dir();
        show(a, b);
        assertEquals("The runs differ in 1 of 8 settings.", text("#differ"));
        assertEquals("firstsecondoptions.learning_rate0.0013.0E-4", text("#table"));
        assertTrue(text("#charts").contains("first: all tokens") && text("#charts").contains("second: all tokens"));
        assertTrue(browser.find("#heat").isDisplayed() && !browser.find("#window").isDisplayed());
        new Select(browser.find("#run")).selectByVisibleText("second");
        assertTrue(!browser.find("#heat").isDisplayed() && browser.find("#window").isDisplayed());
        noErrors();
    }

    @Test
    void aRunningRunGrows() throws IOException {
        MadeUpRun run = new MadeUpRun(dir.resolve("run")).config(100, 1e-3).steps(1, 10);
        try (RunSite site = RunSite.view(List.of(run.dir()), "127.0.0.1", 0)) {
            go(site.address());
            browser.await("step 10", _ -> text("#state").equals("Watching · step 10 of 100"));
            run.steps(11, 60).layers(2).sample(60);
            browser.await("step 60", _ -> text("#state").equals("Watching · step 60 of 100"));
            browser.await("layers", _ -> browser.find("#heat").isDisplayed());
            browser.driver().navigate().refresh();
            browser.await("step 60 again", _ -> text("#state").equals("Watching · step 60 of 100"));
            assertFalse(browser.find("#controls").isDisplayed(), "another process trains it");
            noErrors();
        }
        browser.await("the end", _ -> text("#state").startsWith("Not connected"));
    }

    @Test
    void phoneAndDark() throws IOException {
        Map<String, Object> phone = Map.of("width", 390, "height", 844, "deviceScaleFactor", 1, "mobile", true);
        Map<String, Object> desk = Map.of("width", 1200, "height", 1000, "deviceScaleFactor", 1, "mobile", false);
        browser.driver().executeCdpCommand("Emulation.setDeviceMetricsOverride", phone);
        try {
            show(new MadeUpRun(dir.resolve("a-name-that-is-very-long-without-any-space-in-it-at-all-for-a-phone"))
                    .config(100, 1e-3).steps(1, 100).layers(20).window(60, 3).sample(9).dir());
            assertEquals(390, (int) number("document.documentElement.scrollWidth"), "no sideways scroll");
            String ground = "getComputedStyle(document.body).backgroundColor";
            assertEquals("rgb(251, 250, 248)", browser.eval(ground));
            String light = (String) browser.eval("charts[0].chart.series[1].stroke()");
            browser.driver().executeCdpCommand("Emulation.setEmulatedMedia",
                    Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
            assertEquals("rgb(21, 23, 27)", browser.eval(ground));
            browser.await("other curves", _ -> !light.equals(browser.eval("charts[0].chart.series[1].stroke()")));
            noErrors();
        } finally {
            browser.driver().executeCdpCommand("Emulation.setDeviceMetricsOverride", desk);
            browser.driver().executeCdpCommand("Emulation.setEmulatedMedia",
                    Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "light"))));
        }
    }

    @Test
    void whatTheCommandRefuses() {
        assertTrue(Program.run("view", dir.toString(), "--out", "x.html").err()
                .contains(dir + ": holds no run (no config.json)"));
        assertTrue(Program.run("view", "a", "--out", "x.html", "--port", "1").err()
                .contains("--out: writes a file and serves nothing"));
        assertEquals(2, Program.run("view").code());
    }
}
