// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.run.Run;
import io.eslm.run.RunEngine;
import io.eslm.run.RunResult;
import io.eslm.web.TrainingControl.Command;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.WindowType;

/** The page of a run that trains, in a browser: it grows, its buttons work, and the run does not notice. */
class LivePageTest {
    private static final Gpt2Config TINY = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64);
    private static final int STEPS = 40;
    private static Browser browser;
    private static Path data;
    @TempDir
    private static Path shared;
    @TempDir
    private Path temp;

    @BeforeAll
    static void open() throws IOException {
        browser = Browser.open(1200, 900);
        data = Program.tokens(shared.resolve("data"));
    }

    @AfterAll
    static void quit() {
        if (browser != null) {
            browser.close();
        }
    }

    private Run run(String folder) {
        return Run.create().data(data.toString()).model(TINY).folder(temp.resolve(folder)).option(Run.THREADS, 1)
                .option(TrainOptions.MAX_ITERS, STEPS).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.EVAL_INTERVAL, 10).option(TrainOptions.EVAL_ITERS, 2);
    }

    /** Trains as the command does, paused before the first step. */
    private static CompletableFuture<RunResult> train(RunEngine engine, RunSite site) {
        site.control().tell(Command.PAUSE);
        return CompletableFuture.supplyAsync(() -> {
            RunResult result = engine.train(() -> site.control().stops(() -> false, engine::save));
            site.end(result.finished() ? "All steps are done" : "Stopped and saved");
            site.close();
            return result;
        }, work -> Thread.ofPlatform().daemon().start(work)); // the common pool may have one thread, which the browser's driver needs
    }

    private static void awaitText(String css, String part) {
        browser.await(css + " to say " + part,
                d -> ((String) d.executeScript("return document.querySelector(arguments[0])?.textContent ?? ''", css))
                        .contains(part));
    }

    private static void press(String css) {
        browser.await(css + " to be enabled",
                d -> Boolean.TRUE
                        .equals(d.executeScript("return !document.querySelector(arguments[0]).disabled", css)));
        browser.find(css).click();
    }

    /** Pixels of a curve's canvas that are not empty. */
    private static long ink() {
        return (Long) browser.eval("(c => { const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                + "let n = 0; for (let i = 3; i < p.length; i += 4) n += p[i] > 0; return n; })"
                + "(document.querySelector('#charts canvas'))");
    }

    private static long points() {
        return ((Number) browser.eval("Number(document.querySelector('.plot').dataset.points)")).longValue();
    }

    /** Two browsers, and a client that vanishes; pause, steps, save, go on; and the same bits as without all that. */
    @Test
    void watchedPausedAndSteppedTheRunIsTheSame() throws Exception {
        Path plain = run("plain").start().folder();
        Path dir = temp.resolve("live");
        try (RunEngine engine = run("live").option(Run.RECORD_INTERVAL, 5).open();
                RunSite site = RunSite.live(dir, "127.0.0.1", HttpSite.PORT, 0)) {
            CompletableFuture<RunResult> result = train(engine, site);
            browser.go(site.address());
            awaitText("#state", "Paused");
            assertFalse(browser.driver().getCurrentUrl().contains("token"), "the token is out of sight");
            String first = browser.driver().getWindowHandle();
            browser.driver().switchTo().newWindow(WindowType.TAB);
            browser.go(site.address());
            awaitText("#state", "Paused");
            vanish(site);
            press("[data-do=step]");
            awaitText("#state", "step 1 of 40");
            browser.driver().switchTo().window(first);
            awaitText("#state", "step 1 of 40");
            awaitText("#state", "Paused");
            assertTrue(browser.text("#window").contains("16 tokens of the domain"), browser.text("#window"));
            press("[data-do=save]");
            awaitText("#message", "saved");
            browser.driver().executeScript("takeState({version: 0, state: 'running', pauses: true, message: 'late'})");
            assertEquals("saved", browser.text("#message"), "an older state that arrives late changes nothing");
            assertTrue(Files.exists(dir.resolve("checkpoints/step-000001")));
            press("[data-do=step]");
            awaitText("#state", "step 2 of 40");
            long points = points();
            long ink = ink();
            press("[data-do=go]");
            awaitText("#state", "Training has ended · step 40 of 40 · All steps are done");
            assertTrue(result.get().finished());
            browser.await("all points", _ -> points() == 40 + 40 + 40 + 40 + 2 * 5);
            assertTrue(points() > points && ink() != ink, "the curves grew");
            assertTrue(browser.all("button:enabled[data-do]").isEmpty(), "nothing to press any more");
            awaitText("#maps", "Gradient norm");
            assertEquals(4, browser.all(".map").size());
            browser.driver().switchTo().window(browser.driver().getWindowHandles().stream()
                    .filter(w -> !w.equals(first)).findFirst().orElseThrow());
            awaitText("#state", "Training has ended");
            awaitText("#tiles", "held-out loss");
            assertEquals(List.of(), browser.errors().stream().filter(e -> !e.contains("ERR_CONNECTION_REFUSED"))
                    .toList());
            browser.driver().close();
            browser.driver().switchTo().window(first);
        }
        String weights = "checkpoints/step-000040/model.safetensors";
        assertArrayEquals(Files.readAllBytes(plain.resolve(weights)), Files.readAllBytes(dir.resolve(weights)));
        assertEquals(metrics(plain), metrics(dir));
    }

    private static List<JsonObject> metrics(Path run) {
        return RunLog.read(run).stream().peek(line -> Set.of("ms", "tokens_per_s", "mfu").forEach(line::remove))
                .toList();
    }

    /** A client whose connection breaks in the middle of the stream. */
    private static void vanish(RunSite site) throws IOException {
        RawHttp http = new RawHttp(site.address());
        try (Socket gone = http.open("GET /events", http.host(), http.cookie())) {
            HttpSiteTest.awaitLine(new BufferedReader(
                    new InputStreamReader(gone.getInputStream(), StandardCharsets.UTF_8)), "retry: ");
        }
    }

    @Test
    void stopAsksOnceMoreThenSaves() throws Exception {
        Path dir = temp.resolve("stopped");
        try (RunEngine engine = run("stopped").open();
                RunSite site = RunSite.live(dir, "127.0.0.1", HttpSite.PORT, 0)) {
            CompletableFuture<RunResult> result = train(engine, site);
            browser.go(site.address());
            press("[data-do=step]");
            awaitText("#state", "step 1 of 40");
            press("#stop");
            press("#keep");
            assertFalse(browser.find("#sure").isDisplayed());
            press("#stop");
            press("[data-do=stop]");
            awaitText("#state", "Training has ended · step 1 of 40 · Stopped and saved");
            assertEquals(1, result.get().step());
        }
        assertTrue(Files.exists(dir.resolve("checkpoints/step-000001")));
        assertEquals(40 - 1, Run.resume(dir).option(Run.THREADS, 1).start().trained());
    }

    /** From the command line, with nobody watching: it ends by itself, and says where the page is. */
    @Test
    void theCommandServesAndEnds() {
        Path dir = temp.resolve("commanded");
        Program.Outcome o = Program.train(data, dir, "--max-iters", "4", "--eval-interval", "2", "--live").ok();
        assertTrue(o.err().matches("(?s).*page:    http://127\\.0\\.0\\.1:\\d+/\\?token=[\\w-]{22}\\R.*"), o.err());
        assertTrue(Files.exists(dir.resolve(RunLog.LAYERS)), "recorded");
        o = Program.train(data, temp.resolve("x"), "--live", "70000");
        assertTrue(o.err().contains("--live 70000: must be a port, from 0 (a free one) to 65535"), o.err());
        o = Program.train(data, temp.resolve("x"), "--host", "0.0.0.0");
        assertTrue(o.err().contains("--host: needs --live"), o.err());
    }
}
