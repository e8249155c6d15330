// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.bench.Chromium;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The project's own documentation as a site, beside the Javadoc of one small module: all of it takes Javadoc too long for a test. */
class SiteTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    @TempDir
    private static Path dir;
    private static Path site;
    /** Started once: that takes seconds. */
    private static Pages browser;

    @BeforeAll
    static void build() throws IOException {
        site = dir.resolve("site");
        Path sources = dir.resolve("sources");
        write(sources, "module-info.java", "/** Small things. */ module small { exports small; }");
        write(sources, "small/Pebble.java", """
                package small;
                /**
                 * A stone that fits a hand.
                 *
                 * @param grams its weight
                 */
                public record Pebble<T>(int grams, T owner) {
                    /** Throws it over {@code water}, so that it skips. */
                    public int skip(int... water) { return 3; }
                }
                """);
        assertTrue(Site.build(ROOT, site, Map.of("small", sources)) > 50);
    }

    @AfterAll
    static void close() {
        if (browser != null) {
            browser.driver.quit();
        }
    }

    /** A window of {@code width} × {@code height} CSS pixels; 390 × 844 is a phone. */
    private static Pages pages(int width, int height, boolean dark) {
        if (browser == null) {
            browser = new Pages();
        }
        Chromium.resize(browser.driver, width, height, dark);
        return browser;
    }

    private static void write(Path folder, String file, String text) throws IOException {
        Files.createDirectories(folder.resolve(file).getParent());
        Files.writeString(folder.resolve(file), text);
    }

    private static List<Path> pages() throws IOException {
        try (var files = Files.walk(site)) {
            return files.filter(f -> f.toString().endsWith(".html")).toList();
        }
    }

    @Test
    void everyLinkOfEveryPageLeadsSomewhereAndNothingIsLoadedFromTheNetwork() throws IOException {
        Map<Path, Document> parsed = new HashMap<>();
        for (Path page : pages()) {
            parsed.put(page, Jsoup.parse(page));
        }
        List<String> faults = new ArrayList<>();
        parsed.forEach((page, document) -> {
            for (Element element : document.select("[href], [src]")) {
                String link = element.hasAttr("href") ? element.attr("href") : element.attr("src");
                if (link.startsWith("data:") || element.normalName().equals("a") && link.matches("https?:.*")) {
                    continue;
                }
                String decoded = URLDecoder.decode(link.replace("+", "%2B"), StandardCharsets.UTF_8);
                int hash = decoded.indexOf('#');
                String file = hash < 0 ? decoded : decoded.substring(0, hash);
                Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
                String anchor = hash < 0 ? "" : decoded.substring(hash + 1);
                if (link.matches("[a-z]+:.*") || !Files.isRegularFile(target)
                        || !anchor.isEmpty() && parsed.get(target).getElementById(anchor) == null) {
                    faults.add(site.relativize(page) + ": " + link);
                }
            }
        });
        assertEquals(List.of(), faults);
        try (var files = Files.walk(site)) {
            for (Path css : files.filter(f -> f.toString().endsWith(".css")).toList()) {
                assertFalse(Files.readString(css).contains("@import"), css.toString());
                Pattern.compile("url\\(['\"]?(?!data:)([^'\")]+)").matcher(Files.readString(css)).results()
                        .forEach(
                                m -> assertTrue(Files.exists(css.resolveSibling(m.group(1))), css + ": " + m.group(1)));
            }
        }
    }

    @Test
    void namesEveryDeadLinkAndEveryPageThatTheContentsLack() throws IOException {
        Path project = dir.resolve("project");
        write(project, "README.md", "# Home\n\nTwo lines,\n\nand [a part](docs/a.md#other-part), [lost](docs/b.md).\n");
        write(project, "docs/README.md", "# All\n\n- [Home](../README.md)\n");
        write(project, "docs/a.md", "# A\n\n## One part\n");
        UserError error = assertThrows(UserError.class, () -> Docs.read(project));
        assertEquals("""
                README.md:5: the link docs/b.md leads to no file of the project
                README.md:5: the link docs/a.md#other-part leads to no heading of docs/a.md
                docs/a.md: docs/README.md does not list it; add a line there""", error.getMessage());
    }

    @Test
    void leavesAFolderOfOtherFilesAlone() throws IOException {
        Path folder = Files.createDirectory(dir.resolve("mine"));
        Path file = Files.writeString(folder.resolve("letter"), "dear");
        UserError error = assertThrows(UserError.class, () -> Site.build(ROOT, folder, Map.of()));
        assertTrue(error.getMessage().contains("holds other files"), error.getMessage());
        assertEquals("dear", Files.readString(file));
    }

    @Test
    void oneSearchFindsGuidesCourseAndJavadocFromAnyPage() {
        Pages pages = pages(1400, 1000, false);
        pages.go("index.html").search("checkpoint damaged");
        assertTrue(pages.results().contains("docs/reliability.html"), pages.results());
        pages.search("multiply-add");
        assertTrue(pages.results().contains("docs/course/01-tensor.html"), pages.results());
        pages.search("skip(");
        WebElement member = pages.driver.findElement(By.cssSelector(".found a"));
        assertTrue(member.getText().startsWith("skip(int...)"), member.getText());
        assertTrue(member.getText().contains("Throws it over water"), member.getText());
        pages.input().sendKeys(Keys.ENTER);
        assertTrue(pages.driver.getCurrentUrl().contains("api/small/small/Pebble.html#skip("),
                pages.driver.getCurrentUrl());
        new Actions(pages.driver).sendKeys("/").perform();
        pages.search("nowhere at all xyzzy");
        assertEquals("Nothing found", pages.driver.findElement(By.cssSelector(".found")).getText());
        pages.search("tokenizers");
        pages.input().sendKeys(Keys.ARROW_DOWN);
        new Actions(pages.driver).sendKeys(Keys.ENTER).perform();
        assertTrue(pages.driver.getCurrentUrl().contains("docs/tokenizers.html"), pages.driver.getCurrentUrl());
        assertEquals(List.of(), pages.errors());
    }

    @Test
    void fitsAPhoneInDarkMode() {
        Pages pages = pages(390, 844, true);
        for (String page : List.of("index.html", "docs/performance.html", "docs/course/05-attention.html",
                "docs/examples/TinyGpt.java.html", "api/index.html", "api/small/small/Pebble.html")) {
            pages.go(page);
            assertTrue(((Number) pages.driver.executeScript("return document.documentElement.scrollWidth"))
                    .intValue() <= 390, page + " scrolls sideways");
            assertEquals("rgb(21, 23, 27)", pages.driver.executeScript(
                    "return getComputedStyle(document.body).backgroundColor"), page);
        }
        pages.go("docs/eslm.html");
        WebElement contents = pages.driver.findElement(By.id("contents"));
        assertFalse(contents.isDisplayed(), "closed at first");
        pages.driver.findElement(By.className("menu")).click();
        assertTrue(contents.isDisplayed());
        assertEquals("ESLM's methods", contents.findElement(By.cssSelector("[aria-current]")).getText());
        assertEquals(List.of(), pages.errors());
    }

    /** The site in Debian's chromium, without a screen; where that is not installed the test is skipped, loudly. */
    private static final class Pages {
        final ChromeDriver driver;

        Pages() {
            driver = Chromium.start();
        }

        Pages go(String page) {
            URI address = site.resolve(page).toUri();
            driver.get(address.toString());
            return this;
        }

        WebElement input() {
            return driver.findElement(By.cssSelector(".bar input"));
        }

        void search(String words) {
            input().clear();
            input().sendKeys(words);
            new WebDriverWait(driver, Duration.ofSeconds(30)).until(
                    d -> !d.findElements(By.cssSelector(".found a, .found p")).isEmpty()
                            && !d.findElement(By.cssSelector(".found")).getText().startsWith("Reading"));
        }

        String results() {
            return driver.findElements(By.cssSelector(".found a")).stream().map(a -> a.getDomProperty("href")).toList()
                    .toString();
        }

        List<String> errors() {
            return Chromium.errors(driver);
        }
    }
}
