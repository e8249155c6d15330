// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.eslm.report.Html;
import io.eslm.report.Visible;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Logger;
import java.util.logging.Handler;
import java.io.PrintWriter;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What leaves the program: nothing that drives the terminal, and no success if it is lost. */
class OutputTest {
    private static final String EVIL =
            "\u001b]0;owned\u0007\u009b31m\u202Eabc\u2066\u200F\u061C\u200B" + Character.toString(0xE0041)
                    + "\r\u007f";
    @TempDir
    private static Path temp;
    private static Path model;

    @BeforeAll
    static void trainAModelThatSpeaks() throws IOException {
        model = temp.resolve("model");
        Program.run("train", "--data", Program.tokens(temp.resolve("data")).toString(), "--out-dir", model.toString(),
                "--n-layer=1", "--n-head=1", "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=1",
                "--eval-interval=0", "--sample-interval=0").ok();
    }

    private static void assertHarmless(String text) {
        text.codePoints().forEach(c -> assertFalse(Visible.hides(c), () -> Integer.toHexString(c) + " in " + text));
    }

    @Test
    void whatDrivesATerminalBecomesVisible() {
        assertEquals("␛]0;owned␇\\u{009B}31m\\u{202E}abc\\u{2066}\\u{200F}\\u{061C}\\u{200B}\\u{E0041}␍␡",
                Visible.of(EVIL));
        String good = "Zeilen\n\tund\r\n\u00e9, \u4f60\u597d, \ud83d\udc69\u200d\ud83d\ude80, \u0646\u200c\u0647";
        assertEquals(good, Visible.of(good), "text stays as it is");
        String json = "{\"a\":\"" + "\u009b\u202e" + Character.toString(0xE0041) + "\"}";
        assertHarmless(Visible.json(json));
        assertEquals(JsonParser.parseString(json), JsonParser.parseString(Visible.json(json)));
        assertHarmless(Html.text(EVIL));
        assertEquals("&lt;i&gt;&#39;&quot;", Html.text("<i>'\""));
    }

    @Test
    void neitherNamesNorPromptsNorTheirErrorsDriveTheTerminal() throws IOException {
        String name = "\u001b[2J\u202Etxt.exe";
        Path text = Files.writeString(temp.resolve(name + ".txt"), "some words, " + EVIL + "\n");
        Path folder = Files.createDirectories(temp.resolve("texts"));
        for (String domain : new String[] {"a", name}) {
            Files.writeString(Files.createDirectories(folder.resolve(domain)).resolve("t.txt"), "words of " + domain);
        }
        for (String[] command : new String[][] {{"sample", "--model", model.toString(), "--prompt", EVIL},
            {"score", "--model", model.toString(), "--file", text.toString()},
            {"eval", "--model", model.toString(), "--data", text.toString(), "--json"},
            {"prepare", "--in", folder.toString(), "--out", temp.resolve("out" + EVIL).toString(), "--held-out", "0"},
            {"eval", "--model", model.toString(), "--data", temp.resolve("none" + EVIL).toString()},
            {"train", "--method", EVIL}, {EVIL}, {"eval", "--" + EVIL}, {"@" + EVIL}}) {
            Program.Outcome o = Program.run(command);
            assertHarmless(o.out() + o.err());
        }
        String raw = Program.run("sample", "--model", model.toString(), "--prompt", EVIL, "--raw").ok().out();
        assertTrue(raw.startsWith(EVIL), "for those who want it");
    }

    @Test
    void warningsOfTheLibraryAreOneVisibleLine() {
        Logger root = Logger.getLogger("");
        Handler[] before = root.getHandlers();
        StringWriter shown = new StringWriter();
        try {
            Warnings.printTo(new PrintWriter(shown, true));
            System.getLogger("io.eslm").log(System.Logger.Level.WARNING, "{0}: {1} is odd", "con" + EVIL, 3);
        } finally {
            for (Handler h : root.getHandlers()) {
                root.removeHandler(h);
            }
            for (Handler h : before) {
                root.addHandler(h);
            }
        }
        assertEquals("warning: con" + Visible.line(EVIL) + ": 3 is odd" + System.lineSeparator(), shown.toString());
    }

    /** A stream that takes so much and no more. */
    private static final class Full extends Writer {
        private final String why;
        private int left;

        Full(String why, int left) {
            this.why = why;
            this.left = left;
        }

        @Override
        public void write(char[] chars, int from, int n) throws IOException {
            left -= n;
            if (left < 0) {
                throw new IOException(why);
            }
        }

        @Override
        public void flush() {
            // nothing is kept
        }

        @Override
        public void close() {
            // nothing is open
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sample --model M --prompt x", "score --model M --file T/words.txt", "--help", "help train",
        "--version", "eval --model M --data T/words.txt", "eval --model M --data T/words.txt --json",
        "train --data T/data --out-dir T/OUT --n-layer=1 --n-head=1 --n-embd=8 --block-size=8 --batch-size=2 --max-iters=1 "
                + "--eval-interval=0 --sample-interval=0"})
    void lostOutputIsNoSuccessUnlessTheReaderLeft(String line) throws IOException {
        Files.writeString(temp.resolve("words.txt"), "a few words of text");
        for (String reason : new String[] {"No space left on device", "Broken pipe"}) {
            String[] command = line.replace("M ", model + " ").replace("OUT", "out" + reason.length())
                    .replace("T/", temp + "/").split(" ");
            StringWriter err = new StringWriter();
            int code = Main.run(new Full(reason, 3), err, false, command);
            boolean left = reason.equals("Broken pipe");
            assertEquals(left ? 0 : 1, code, err::toString);
            assertEquals(!left, err.toString().endsWith(
                    "error: the output is incomplete, because it cannot be written: the disk is full\n"),
                    err::toString);
            if (command[0].equals("train")) {
                assertTrue(err.toString().contains("its output is lost"), err::toString);
                assertTrue(Files.exists(temp.resolve("out" + reason.length()).resolve("report.html")),
                        "the run is whole");
            }
        }
    }
}
