// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The browser that the tests of pages use. */
class BrowserTest {
    @TempDir
    Path dir;

    @Test
    void showsAPageAtPhoneWidthInDarkMode() throws Exception {
        Path page = dir.resolve("page.html");
        Files.writeString(page, """
                <!doctype html><meta charset=utf-8><meta name=viewport content="width=device-width">
                <p id=a>none</p><script>
                const dark = matchMedia('(prefers-color-scheme: dark)').matches;
                document.getElementById('a').textContent = innerWidth + (dark ? ' dark' : ' light');
                document.getElementById('a').onmousemove = e => document.title = 'x' + e.offsetX;
                </script>""");
        try (Browser browser = Browser.open(390, 844, true)) {
            browser.go(page.toUri());
            assertEquals("390 dark", browser.text("#a"));
            browser.hover(browser.find("#a"), 7, 3);
            assertEquals("x7", browser.driver().getTitle());
            browser.screenshot(dir.resolve("page.png"));
            assertTrue(Files.size(dir.resolve("page.png")) > 100);
            assertEquals(0, browser.errors().size(), () -> browser.errors().toString());
        }
    }
}
