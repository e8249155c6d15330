// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import io.eslm.cli.Program;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Takes the README's pictures of a run. No test of a build: tools/pictures starts it. */
class Pictures {
    private static final int WIDTH = 1200;
    private static final int HEIGHT = 800;
    private static final String TEXT = "Returns the number of elements in this list. If this list contains more than"
            + " Integer.MAX_VALUE elements, returns Integer.MAX_VALUE. Inserts the specified element at the specified position in"
            + " this list. Shifts the element currently at that position, if any, and any later elements to the right, which adds"
            + " one to their indices. Throws an IndexOutOfBoundsException if the index is out of range.";

    @TempDir
    Path pages;

    @Test
    void take() throws IOException {
        Path run = Path.of(System.getProperty("pictures.run"));
        Path out = Files.createDirectories(Path.of(System.getProperty("pictures.out")));
        Path inspect = pages.resolve("inspect.html");
        Program.run("inspect", "--model", run.toString(), "--text", TEXT, "--method", "cvar-loss:alpha=0.3",
                "--backward", "--out",
                inspect.toString()).ok();
        Path view = pages.resolve("view.html");
        Program.run("view", run.toString(), "--out", view.toString()).ok();
        take(run.resolve("report.html").toUri(), "window.scrollTo(0, 0)", out.resolve("report.png"));
        take(inspect.toUri(), "window.scrollTo(0, 170)", out.resolve("inspect.png"));
        take(view.toUri(), "document.getElementById('heat').scrollIntoView()", out.resolve("live.png"));
    }

    private static void take(URI page, String script, Path png) {
        try (Browser browser = Browser.open(WIDTH, HEIGHT)) {
            browser.go(page);
            browser.await("the page to be drawn",
                    d -> d.executeScript("return document.readyState").equals("complete"));
            browser.eval("new Promise(r => setTimeout(r, 1500))");
            browser.driver().executeScript(script);
            browser.screenshot(png);
        }
    }
}
