// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.web.Browser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.interactions.WheelInput.ScrollOrigin;

/** The page of a step, in a browser. The text would break a page that did not escape it. */
class ExplainPageTest {
    private static final String HOSTILE =
            "</script><b>bold</b> & \"quoted\" 'single' <!-- \u202Ereversed\u202C \u0007 &lt; "
                    + "the quick brown fox jumps over the lazy dog, and the dog sleeps on in the sun";
    @TempDir
    private static Path dir;
    private static Path page;

    @BeforeAll
    static void write() throws IOException {
        page = dir.resolve("page.html");
        Path text = Files.writeString(dir.resolve("text"), HOSTILE);
        Program.run("explain", "--file", text.toString(), "--n-layer", "2", "--n-head", "2", "--n-embd", "16",
                "--block-size", "16", "--method", "cvar-loss:alpha=0.4", "--row", "transformer.wte.weight:262",
                "--repeat", "1", "--threads", "1", "--out", page.toString()).ok();
    }

    private static Browser open(int width, int height, boolean dark) {
        Browser browser = Browser.open(width, height, dark).go(page.toUri());
        browser.await("the page is ready", d -> !d.findElements(By.cssSelector("html[data-ready=yes]")).isEmpty());
        return browser;
    }

    private static double number(Browser browser, String expression) {
        return ((Number) browser.eval(expression)).doubleValue();
    }

    private static double width(Browser browser) {
        return number(browser, "+document.getElementById('graph').getAttribute('viewBox').split(' ')[2]");
    }

    @Test
    void aDroppedTokensPathEnds() {
        try (Browser browser = open(1400, 1000, false)) {
            assertEquals(18, browser.all(".node").size(), "ops of two blocks, and embedding, norm, head and objective");
            double kept = number(browser, "document.querySelector('.ribbon.kept').getBoundingClientRect().bottom");
            double gone = number(browser, "document.querySelector('.ribbon.gone').getBoundingClientRect().bottom");
            assertTrue(gone < kept, "the dropped tokens' band ends before the loss");
            assertTrue(browser.text("#chosen").contains("Dropped: loss "), browser.text("#chosen"));
            double end = number(browser, "document.querySelector('.thread-end').getBoundingClientRect().bottom");
            assertEquals(gone, end, 8, "the token's own line stops there, but for the width of its mark");
            assertFalse(browser.all(".node.off").isEmpty(), "ops without a gradient row of it");
            assertTrue(browser.find(".less").getText().matches("\\d+ of \\d+"));
            browser.find("#tokens span:not(.x)").click();
            assertTrue(browser.text("#chosen").contains("Kept: loss "), browser.text("#chosen"));
            assertEquals(0, browser.all(".thread-end").size(), "a kept token's path goes on");
            assertEquals(0, browser.all(".node.off").size());
            new Actions(browser.driver()).sendKeys(browser.find("#tokens"), Keys.ARROW_RIGHT).perform();
            assertEquals(1, browser.all("#tokens .on").size());
            browser.driver().findElement(By.cssSelector("tr[data-op='9']")).click();
            assertEquals("9", browser.find(".node.on").getDomAttribute("data-node"));
            assertTrue(browser.text("#terms").contains("%"), "the row that was asked for");
            assertEquals(List.of(), browser.errors());
        }
    }

    @Test
    void zoomsByKeyboardButtonsAndWheel() {
        try (Browser browser = open(1400, 1000, true)) {
            double first = width(browser);
            browser.find("#graph").sendKeys("+");
            double nearer = width(browser);
            assertTrue(nearer < first, nearer + " < " + first);
            browser.find("#out").click();
            assertEquals(first, width(browser), 1e-6);
            new Actions(browser.driver()).scrollFromOrigin(ScrollOrigin.fromElement(browser.find("#graph")), 0, -300)
                    .perform();
            browser.await("the wheel zooms", _ -> width(browser) < first);
            browser.find("#graph").sendKeys("0");
            assertTrue(
                    number(browser, "document.querySelector('.ribbon.kept').getBoundingClientRect().bottom") < number(
                            browser, "document.getElementById('graph').getBoundingClientRect().bottom"),
                    "all of it is shown");
            double graph = number(browser, "document.getElementById('graph').getBoundingClientRect().right");
            double table = number(browser, "document.querySelector('.ops').getBoundingClientRect().left");
            assertTrue(table >= graph, "the table is beside the graph");
            assertEquals("rgb(21, 23, 27)", browser.find("body").getCssValue("background-color").replace("rgba", "rgb")
                    .replace(", 1)", ")"));
            assertEquals(List.of(), browser.errors());
        }
    }

    @Test
    void fitsAPhoneAndEscapesEveryText() {
        try (Browser browser = open(390, 844, false)) {
            assertTrue(number(browser, "document.documentElement.scrollWidth") <= 390, "no sideways scroll");
            assertEquals(0, browser.all("#tokens b").size());
            String text = (String) browser.eval("document.getElementById('tokens').textContent");
            assertTrue(text.contains("script><b>bold</b> & \"quoted\""), text);
            assertTrue(text.contains("\u2407") && !text.contains("\u202E"), text);
            assertEquals(List.of(), browser.errors());
        }
    }
}
