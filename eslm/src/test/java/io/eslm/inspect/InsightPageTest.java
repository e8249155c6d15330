// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.tokenizer.TokenTexts;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.report.Visible;
import io.eslm.select.token.Risk;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.web.Browser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** The page of an inspection in a browser. */
class InsightPageTest {
    private static final String TEXT =
            "The quick brown fox jumps over the lazy dog, and the dog\nlooks at the fox: ".repeat(4);
    private static final Insight INSIGHT = HandMade.of(TEXT, HandMade.byLoss(0.3));
    private static final int T = INSIGHT.positions();
    private static final String WALL_IS_THERE = "return document.getElementById('wall').dataset.ready === 'true'";

    @TempDir
    private static Path dir;
    private static Browser browser;
    private static Path page;

    @BeforeAll
    static void openBrowser() throws IOException {
        browser = Browser.open(1280, 900);
        page = Files.writeString(dir.resolve("page.html"), InsightPage.of(INSIGHT));
    }

    @AfterAll
    static void closeBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @AfterEach
    void nothingWentWrong() {
        assertEquals(List.of(), browser.errors());
    }

    private static void show(Path file) {
        browser.go(file.toUri());
        browser.find("html[data-ready]");
        browser.await("the wall", d -> (Boolean) d.executeScript(WALL_IS_THERE));
    }

    private static void show(Insight insight) throws IOException {
        show(Files.writeString(dir.resolve("other.html"), InsightPage.of(insight)));
    }

    /** The positions whose token is struck through. */
    private static List<Integer> dropped() {
        return ((List<?>) browser.eval(
                "[...document.querySelectorAll('#text .t')].filter(e => getComputedStyle(e).textDecorationLine === 'line-through')"
                        + ".map(e => Number(e.dataset.i) - 1)"))
                .stream().map(i -> ((Number) i).intValue()).toList();
    }

    private static List<Integer> droppedByJava(float[] risks, double alpha) {
        Selection kept = ValueAtRisk.keepTail(risks, alpha);
        TreeSet<Integer> rows = new TreeSet<>();
        IntStream.of(kept.rows() == null ? IntStream.range(0, risks.length).toArray() : kept.rows()).forEach(rows::add);
        return IntStream.range(0, risks.length).filter(i -> !rows.contains(i)).boxed().toList();
    }

    private static void set(String css, Object value, String event) {
        browser.driver().executeScript("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                + "e.dispatchEvent(new Event(arguments[2], {bubbles: true}))", css, value, event);
    }

    // ---- tokens

    @Test
    void theSliderDropsWhomJavaDropsTiesAndAll() {
        show(page);
        assertEquals(droppedByJava(INSIGHT.loss(), 0.3), dropped(), "as the page opens");
        double[] edges = IntStream.rangeClosed(1, T - 1).mapToDouble(k -> (double) k / T)
                .flatMap(a -> DoubleStream.of(Math.nextDown(a), a, Math.nextUp(a))).toArray();
        double[] levels = DoubleStream.concat(IntStream.range(0, 100).mapToDouble(i -> i / 100.0),
                DoubleStream.concat(Arrays.stream(edges), DoubleStream.of(0, Double.MIN_VALUE, Math.nextDown(1.0))))
                .toArray();
        for (Map.Entry<String, float[]> risk : Map.of("loss", INSIGHT.loss(), "entropy", INSIGHT.entropy())
                .entrySet()) {
            browser.find("input[name=risk][value=" + risk.getKey() + "] + span").click();
            List<?> seen = (List<?>) browser.driver().executeScript("const e = document.getElementById('alphaNumber');"
                    + "return arguments[0].map(a => { e.value = a; e.dispatchEvent(new Event('input'));"
                    + "return [...document.querySelectorAll('#text .dropped')].map(t => t.dataset.i - 1).join(); })",
                    Arrays.stream(levels).mapToObj(String::valueOf).toList());
            for (int i = 0; i < levels.length; i++) {
                assertEquals(droppedByJava(risk.getValue(), levels[i]).stream().map(String::valueOf)
                        .collect(Collectors.joining(",")), seen.get(i), risk.getKey() + " at " + levels[i]);
            }
        }
        set("#alphaNumber", "0.3", "input");
        browser.find("input[name=risk][value=loss] + span").click();
        browser.find("#alpha").sendKeys(Keys.ARROW_RIGHT);
        assertEquals(droppedByJava(INSIGHT.loss(), 0.31), dropped(), "the slider, by keyboard");
        assertTrue(browser.text("#dropped").startsWith(dropped().size() + " of " + T + " tokens are dropped"),
                browser.text("#dropped"));
        set("#alphaNumber", "1.5", "input");
        assertEquals(droppedByJava(INSIGHT.loss(), 0.31), dropped(), "a level that there is not changes nothing");
    }

    @Test
    void aMethodThatDoesNotGoByRiskShowsItsOwnChoice() throws IOException {
        boolean[] kept = new boolean[T];
        IntStream.range(0, T).forEach(i -> kept[i] = i % 3 == 1);
        show(HandMade.of(TEXT, new Insight.Choice("random:keep-ratio=0.3", null, 0.1, kept)));
        List<Integer> others = IntStream.range(0, T).filter(i -> i % 3 != 1).boxed().toList();
        assertEquals(others, dropped());
        assertTrue(browser.text("#dropped").endsWith("random:keep-ratio=0.3 chose so."), browser.text("#dropped"));
        assertFalse(browser.find("#alpha").isEnabled());
        browser.find("input[name=risk][value=loss] + span").click();
        assertEquals(droppedByJava(INSIGHT.loss(), 0.1), dropped());
        browser.find("input[name=risk][value=method] + span").click();
        assertEquals(others, dropped());
        assertTrue(browser.find("#gradMasked").isDisplayed());
        assertTrue(browser.text("#gradMasked").contains("random:keep-ratio=0.3"));
    }

    @Test
    void aTokenTellsItsNumbersToPointerKeyboardAndTap() {
        show(page);
        Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
        WebElement third = browser.find("#text .t[data-i='3']");
        browser.hover(third, 5, 8);
        String card = browser.text("#card");
        Guesses g = INSIGHT.likeliest();
        assertTrue(card.startsWith("·" + tokenizer.text(INSIGHT.ids()[3]).strip()), card);
        assertTrue(card.contains(String.format(Locale.ROOT, "loss\n%.2f nats", INSIGHT.loss()[2])), card);
        assertTrue(card.contains(String.format(Locale.ROOT, "entropy\n%.2f nats", INSIGHT.entropy()[2])), card);
        assertTrue(card.contains(String.format(Locale.ROOT, "rank\n%,d of 50,257", g.rank()[2])), card);
        double p = 100 * Math.exp(-INSIGHT.loss()[2]);
        assertTrue(card.contains("probability\n" + String.format(Locale.ROOT, p >= 9.95 ? "%.0f" : "%.1f", p) + " %"),
                card);
        assertEquals(5, browser.all("#card .top li").size());
        for (int k = 0; k < 5; k++) {
            String likely = browser.all("#card .top li").get(k).getText();
            String shown = Visible.of(tokenizer.text(g.ids()[2 * 5 + k])).replace(' ', '·').replace('\n', '↵');
            assertTrue(likely.startsWith(shown) && likely.endsWith("%"), likely + " should be " + shown);
        }
        browser.find("#text .t[data-i='3']").click();
        browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT);
        assertTrue(browser.text("#card").contains("token 5 of " + (T + 1)), browser.text("#card"));
        assertTrue(browser.text("#lensAt").contains("the true next token"), "and the lens goes along");
        assertEquals("4 2", browser.find("#lens .c.current").getDomAttribute("data-at"));
        browser.press(Keys.HOME);
        assertTrue(browser.text("#card").contains("Nothing predicts the first token"));
    }

    @Test
    void tokensAreColouredByLossEntropyOrRank() {
        show(page);
        for (String by : List.of("loss", "entropy", "rank")) {
            browser.find("input[name=colour][value=" + by + "] + span").click();
            double[] value = IntStream.range(0, T).mapToDouble(p -> by.equals("loss") ? INSIGHT.loss()[p]
                    : by.equals("entropy") ? INSIGHT.entropy()[p] : INSIGHT.likeliest().rank()[p]).toArray();
            List<?> shown = (List<?>) browser.eval("[...document.querySelectorAll('#text .t:not(.first)')]"
                    + ".map(e => e.style.getPropertyValue('--r'))");
            double[] strength = shown.stream().mapToDouble(r -> Double.parseDouble(r.toString())).toArray();
            int[] order = IntStream.range(0, T).boxed().sorted((a, b) -> Double.compare(value[a], value[b]))
                    .mapToInt(i -> i).toArray();
            for (int i = 1; i < T; i++) {
                assertTrue(strength[order[i]] >= strength[order[i - 1]], by + ": a higher value has no weaker colour");
            }
            assertTrue(strength[order[0]] < 0.5 && strength[order[T - 1]] > 0.9, by);
        }
        assertTrue(browser.text("#scale").startsWith("rank 1") && browser.text("#scale").endsWith("50,257"));
    }

    // ---- attention

    /** Lightness of a canvas's pixel, 0 … 255; 255 where it is transparent. */
    private static long light(String canvas, double x, double y) {
        return ((Number) browser.driver()
                .executeScript("const [id, x, y] = arguments; const c = document.getElementById(id);"
                        + "const d = c.getContext('2d').getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data;"
                        + "return d[3] ? Math.round((d[0] + d[1] + d[2]) / 3) : 255", canvas, x, y))
                .longValue();
    }

    @Test
    void theWallOpensAHeadByPointerAndByKeyboard() {
        show(page);
        WebElement wall = browser.find("#wall");
        assertTrue(IntStream.range(0, 60).anyMatch(i -> light("wall", 0.1 + i / 300.0, 0.2) < 200),
                "the wall is drawn");
        browser.hover(wall, 26 + 5, 18 + 5);
        assertEquals("block 0, head 0", browser.text("#wallAt"));
        wall.click(); // in its middle
        browser.find("#head[data-shows='1.1']");
        assertEquals("Block 1, head 1", browser.text("#headName"));
        browser.press(Keys.ESCAPE);
        browser.await("closed", d -> !browser.find("#head").isDisplayed());
        browser.driver().executeScript("document.getElementById('wall').focus()");
        browser.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER);
        browser.find("#head[data-shows='2.3']");
        browser.find("#headAfter").click();
        browser.find("#head[data-shows='2.0']");
        browser.find("#blockAfter").click();
        browser.find("#head[data-shows='0.0']");
        browser.find("#headClose").click();
        assertFalse(browser.find("#head").isDisplayed());
    }

    @Test
    void aHeadShowsWhereATokenLooks() {
        show(page);
        browser.driver().executeScript("document.getElementById('wall').focus()");
        browser.press(Keys.ENTER);
        browser.find("#head[data-shows='0.0']");
        int reader = 20;
        browser.hover(browser.find("#readers .t[data-i='" + reader + "']"), 4, 8);
        String looks = browser.text("#looks");
        assertTrue(looks.contains("(token " + reader + ") looks at"), looks);
        assertEquals(5, browser.all("#looks .pair").size());
        assertEquals(T - 1 - reader, browser.all("#readers .later").size(), "what comes later cannot be seen");
        int[] row = row(INSIGHT.attention().triangles()[0], reader);
        int most = IntStream.rangeClosed(0, reader).reduce((a, b) -> row[b] > row[a] ? b : a).orElseThrow();
        int least = IntStream.rangeClosed(0, reader).reduce((a, b) -> row[b] < row[a] ? b : a).orElseThrow();
        assertTrue(looks.contains(most == reader ? "(itself)" : "(" + (reader - most) + " back)"), looks);
        assertTrue(looks.contains(Math.round(100 * Math.pow(row[most] / 255.0, 2)) + " %"), looks);
        assertTrue(light("matrix", (most + 0.5) / T, (reader + 0.5) / T) < light("matrix", (least + 0.5) / T,
                (reader + 0.5) / T));
        assertEquals(255, light("matrix", 0.9, 0.1), "nothing above the diagonal");
        browser.press(Keys.ARROW_LEFT);
        assertTrue(browser.text("#looks").contains("(token " + (reader - 1) + ") looks at"), browser.text("#looks"));
        browser.press(Keys.PAGE_DOWN);
        browser.find("#head[data-shows='0.1']");
    }

    private static int[] row(byte[] deflated, int reader) {
        byte[] triangle = Unpacked.inflated(deflated);
        return IntStream.rangeClosed(0, reader).map(s -> triangle[reader * (reader + 1) / 2 + s] & 255).toArray();
    }

    // ---- lens, norms, neurons

    @Test
    void theLensShowsTheGuessAfterEachBlock() {
        show(page);
        Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
        for (int l = 0; l < HandMade.LAYERS; l++) {
            for (int x : new int[] {0, 5}) {
                assertEquals(
                        Visible.of(tokenizer.text(INSIGHT.lens()[l].ids()[x])).replace(' ', '·').replace('\n', '↵'),
                        browser.find("#lens [data-at='" + x + " " + l + "']").getDomProperty("textContent"));
            }
        }
        assertEquals(0, browser.all("#lens [data-at='" + (T - 1) + " 0']").size(),
                "columns out of view are no elements");
        browser.find("#lens").sendKeys(Keys.END);
        browser.find("#lens [data-at='" + (T - 1) + " 0']");
        browser.find("#lens").sendKeys(Keys.ARROW_UP);
        Guesses g = INSIGHT.lens()[1];
        assertTrue(browser.text("#lensAt").startsWith("After block 1, having read "), browser.text("#lensAt"));
        assertTrue(browser.text("#lensAt").endsWith(String.format(Locale.ROOT, "rank %,d.", g.rank()[T - 1])),
                browser.text("#lensAt"));
        List<?> hits = (List<?>) browser.eval("[...document.querySelectorAll('#lens .hit')].map(e => e.dataset.at)");
        assertFalse(hits.isEmpty());
        for (Object at : hits) {
            String[] xy = at.toString().split(" ");
            int x = Integer.parseInt(xy[0]);
            assertEquals(INSIGHT.ids()[x + 1], INSIGHT.lens()[Integer.parseInt(xy[1])].ids()[x], "underlined: right");
        }
    }

    @Test
    void normsAndGradientsTellTheirNumbers() {
        show(page);
        browser.find("#normHeat canvas").sendKeys(Keys.HOME);
        String at = browser.text("#normHeat .at");
        assertTrue(at.startsWith("after block 2, position 0"), at);
        float norm = INSIGHT.norms().residual()[3 * T];
        assertTrue(at.endsWith(String.format(Locale.ROOT, "%.3g", norm)), at + " should end with " + norm);
        browser.find("input[name=norm][value=mlp] + span").click();
        assertTrue(browser.text("#normHeat .at").startsWith("block 2, position 0"), browser.text("#normHeat .at"));
        assertEquals(3, browser.all("#normLines path").size());
        assertTrue(browser.find("#gradients").isDisplayed() && !browser.find("#gradMasked").isDisplayed());
        assertTrue(browser.text("#gradHint").startsWith("Name a method"));
    }

    @Test
    void aNeuronListsItsStrongestTokens() {
        show(page);
        browser.find("#neuronTokens[data-shows]");
        browser.find("#neuronChips button:nth-child(2)").click();
        browser.await("another neuron", d -> browser.find("#neuronChips button:nth-child(2)")
                .getDomAttribute("aria-pressed").equals("true"));
        double[] values =
                browser.all("#neuronTokens b").stream().mapToDouble(e -> Double.parseDouble(e.getText())).toArray();
        assertEquals(StrongestTokens.TOP, values.length);
        double[] sorted = Arrays.stream(values).map(v -> -v).sorted().map(v -> -v).toArray();
        assertArrayEquals(sorted, values);
        assertTrue(browser.all("#neuronTokens mark").stream().noneMatch(e -> e.getText().isEmpty()
                && !e.getDomProperty("textContent").isBlank()));
        set("#neuronNumber", "7", "change");
        browser.find("#neuronTokens[data-shows='1.7']");
        set("#neuronLayer", "2", "change");
        browser.find("#neuronTokens[data-shows^='2.']");
    }

    // ---- everywhere

    @Test
    void fitsAPhoneAndTheDark() {
        browser.driver().executeCdpCommand("Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
        browser.driver().executeCdpCommand("Emulation.setDeviceMetricsOverride",
                Map.of("width", 390, "height", 844, "deviceScaleFactor", 2, "mobile", true));
        try {
            show(page);
            assertEquals(390L, browser.eval("document.documentElement.scrollWidth"), "no sideways scroll");
            assertTrue((Boolean) browser.eval("getComputedStyle(document.body).backgroundColor === 'rgb(21, 23, 27)'"));
            browser.find("#text .t[data-i='2']").click();
            assertTrue(browser.text("#card").contains("token 2 of"), "a tap tells the numbers too");
            browser.find("#wall").click();
            browser.find("#head[data-shows='1.1']");
            assertEquals(390L, browser.eval("document.documentElement.scrollWidth"));
            assertTrue((Boolean) browser.eval(
                    "(() => { const r = document.getElementById('head').getBoundingClientRect(); return r.left >= 0 && r.right <= 390; })()"));
        } finally {
            browser.driver().executeCdpCommand("Emulation.setEmulatedMedia",
                    Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "light"))));
            browser.driver().executeCdpCommand("Emulation.setDeviceMetricsOverride",
                    Map.of("width", 1280, "height", 900, "deviceScaleFactor", 1, "mobile", false));
        }
    }

    @Test
    void hostileTokensAreText() throws IOException {
        String hostile =
                " </script><img src=x onerror=alert(1)><!-- \u200b\u200e\ufeff \u202etxt.exe\u202c \u001b[31m שלום &amp; '\"`${1}";
        show(HandMade.of(hostile + hostile, HandMade.byLoss(0.3)));
        assertEquals(0, browser.all("img").size());
        String shown = browser.find("#text").getDomProperty("textContent");
        assertTrue(shown.contains("</script><img src=x onerror=alert(1)><!--") && shown.contains("&amp;"), shown);
        assertTrue(shown.codePoints().noneMatch(Visible::hides), shown);
        assertTrue(shown.contains("\\u{200B}") && shown.contains("␛"), shown);
        assertEquals("hand-made <b>model</b>", browser.text("h1"));
        assertEquals("isolate", browser.find("#text .t").getCssValue("unicode-bidi"));
    }

    @Test
    void asksNothingOfTheNetworkAndRunsNoOtherScript() throws IOException {
        String html = Files.readString(page);
        assertFalse(html.matches("(?s).*(src|href)\\s*=\\s*['\"]?(https?:)?//.*"));
        assertFalse(html.matches("(?s).*<[^>]* on[a-z]+\\s*=.*</main>.*"), "no inline handlers");
        show(page);
        browser.driver().executeScript("const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
                + "document.body.append(s)");
        assertEquals(null, browser.eval("window.ran ?? null"), "the policy allows its own script alone");
        assertNotEquals(List.of(), browser.errors(), "which the browser reports");
    }

    /** A model of other tokens has no texts: ids are shown. */
    @Test
    void tokensWithoutATextShowTheirIds() throws IOException {
        Insight i = INSIGHT;
        show(new Insight(i.name(), i.model().with(io.eslm.gpt2.Gpt2Config.VOCAB_SIZE, 60000), i.ids(),
                TokenTexts.UNKNOWN, i.loss(),
                i.entropy(),
                new Insight.Choice(null, Risk.ENTROPY, 0, null), i.likeliest(), i.lens(), i.attention(), i.norms(),
                null,
                i.neurons()));
        assertEquals("[" + i.ids()[0] + "]", browser.find("#text .t").getDomProperty("textContent"));
        assertEquals(List.of(), dropped());
        assertFalse(browser.find("#gradients").isDisplayed() || browser.find("#gradLink").isDisplayed());
    }

    /** Noise, which does not compress, in place of attention: 256 tokens of a model of 12 blocks of 12 heads, width 768. */
    @Test
    void aPageOf256TokensHasAtMostSixMegabytes() {
        int[] ids = IntStream.range(0, 257).map(i -> i * 191 % Gpt2Tokenizer.VOCAB_SIZE).toArray();
        int bytes = InsightPage.of(HandMade.of(ids, 12, 12, 768, HandMade.byLoss(0.1))).length();
        assertTrue(bytes < 6_000_000, bytes + " bytes");
    }
}
