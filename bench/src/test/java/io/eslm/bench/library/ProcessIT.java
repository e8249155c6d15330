// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What only a process of its own can show: pipes, full devices, limits of the system, options of the JVM, a moved clone. */
class ProcessIT {
    private static final String SHAPE = " --n-layer=1 --n-head=1 --n-embd=8 --block-size=8 --batch-size=2 --max-iters=1"
            + " --warmup-iters=0 --eval-interval=0 --sample-interval=0 ";

    private static Path home;
    private static Newcomer newcomer;

    @BeforeAll
    static void trainAModel(@TempDir Path dir) throws IOException {
        home = dir;
        newcomer = new Newcomer(dir);
        newcomer.write("book.txt", "A river stone, a copper lamp, and a little garden.\n".repeat(60));
        shell("eslm train --data book.txt --out-dir model" + SHAPE).ok();
    }

    /** Runs a line in which eslm is the program; its exit code is that of the last command of a pipe that failed. */
    private static Newcomer.Outcome shell(String line) throws IOException {
        return newcomer.shell(home, "PATH=$PWD/checkout/bin:$PATH; export ESLM_CACHE_GB=1; set -o pipefail; " + line
                + "; rc=$?; sleep 0.1; exit $rc");
    }

    @ParameterizedTest
    @ValueSource(strings = {"score --model model --file book.txt", "sample --model model --prompt x", "--help"})
    void outputThatCannotBeWrittenIsNoSuccess(String command) throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "only Linux has a device that is always full");
        Newcomer.Outcome o = shell("eslm " + command + " >/dev/full");
        assertEquals(1, o.exitCode(), o.output());
        assertTrue(
                o.output().contains("error: the output is incomplete, because it cannot be written: the disk is full"),
                o.output());
    }

    @Test
    void whoeverStopsReadingHasSeenEnough() throws IOException {
        Newcomer.Outcome o = shell("eslm score --model model --file book.txt | head -n 1");
        assertEquals(0, o.exitCode(), o.output());
        assertEquals(1, o.output().lines().count(), o.output());
        shell("eslm train --data book.txt --out-dir unread" + SHAPE + " | true").ok();
        assertTrue(Files.exists(home.resolve("unread/report.html")));
    }

    @Test
    void dataComesThroughPipes() throws IOException {
        shell("cat book.txt | eslm train --data /dev/stdin --out-dir piped" + SHAPE).ok();
        shell("eslm train --init-from resume --out-dir piped --max-iters 2 </dev/null").ok();
        shell("eslm train --data - --out-dir redirected" + SHAPE + " <book.txt").ok();
        String byName = shell("eslm eval --model model --data book.txt 2>/dev/null").ok();
        assertTrue(shell("eslm eval --model model --data <(cat book.txt) 2>/dev/null").ok().endsWith(byName));
        assertTrue(shell("mkfifo fifo; cat book.txt >fifo & eslm eval --model model --data fifo 2>/dev/null").ok()
                .endsWith(byName));
        Newcomer.Outcome endless = shell("eslm eval --model model --data /dev/zero");
        assertTrue(endless.exitCode() == 1 && endless.output().contains("is not text: it has a NUL byte"),
                endless.output());
    }

    @Test
    void promptsAndOptionsComeFromFiles() throws IOException {
        newcomer.write("prompt.txt", "The river stone\n");
        newcomer.write("self.txt", "--max-iters 1 @self.txt");
        String sample = "eslm sample --model model --max-new-tokens 1 ";
        assertTrue(shell(sample + "--start FILE:prompt.txt").ok().startsWith("The river stone\n"));
        assertTrue(shell("printf river | " + sample + "--prompt -").ok().startsWith("river"));
        assertTrue(shell(sample + "--prompt @x").ok().startsWith("@x"));
        Newcomer.Outcome o = shell("eslm train @self.txt");
        assertEquals(1, o.exitCode(), o.output());
        assertTrue(o.output().startsWith("error: @self.txt: this file of options reads itself"), o.output());
        assertFalse(Files.exists(home.resolve("runs")), "nothing has started");
    }

    @Test
    void namesDoNotDriveTheTerminal() throws IOException {
        Newcomer.Outcome o = shell("eslm eval --model model --data $'\\e[2J\\u202e'");
        assertEquals(1, o.exitCode(), o.output());
        assertTrue(o.output().contains("␛[2J\\u{202E}") && o.output().indexOf('\u001b') < 0, o.output());
    }

    @Test
    void aSystemWithoutFilesToOpenIsNamed() throws IOException {
        Newcomer.Outcome o = shell("ulimit -n 16; eslm --version");
        assertEquals("eslm: may have only 16 files open, and needs 64. Raise the limit: ulimit -n 1024\n", o.output());
        assertTrue(shell("ulimit -n 64; eslm sample --model model --max-new-tokens 1 --prompt stone").ok()
                .startsWith("stone"));
    }

    @Test
    void optionsOfTheJvmAreNamedWhereItRefusesThem() throws IOException {
        for (String option : new String[] {"-XX:NoSuch=1", "--no-such", "-Xmx1k"}) {
            Newcomer.Outcome o = newcomer.eslm(Map.of("ESLM_JVM_OPTS", option), "--version");
            assertEquals(1, o.exitCode(), o.output());
            assertTrue(o.output().matches("eslm: the JVM does not start: .*; see ESLM_JVM_OPTS=" + option + "\n"),
                    o.output());
        }
    }

    @Test
    void withoutVectorInstructionsAutoIsPlainLoops() throws IOException {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "UseAVX is an option of the JVM for x86");
        Newcomer.Outcome o = newcomer.eslm(Map.of("ESLM_JVM_OPTS", "-XX:UseAVX=0"), "backends", "--threads", "1");
        assertTrue(o.ok().contains("scalar (auto)") && o.output().contains("slow: "), o.output());
    }

    /** The JVM's caches hold for one place. */
    @ParameterizedTest
    @CsvSource({"aot, completion fish", "aot-help, --version"})
    void aMovedCloneRenewsItsCaches(String cache, String words) throws IOException {
        Path build = newcomer.jars();
        Files.writeString(build.resolve(cache), "made elsewhere");
        String first = newcomer.eslm(Map.of(), words.split(" ")).ok();
        assertTrue(first.startsWith("renewing the cache of the JVM"), first);
        assertTrue(newcomer.eslm(Map.of(), words.split(" ")).ok().matches("(?s)(eslm |complete ).*"),
                "once, and without a word from the JVM");
        assertTrue(Files.exists(build.resolve(cache + ".key")));
    }
}
