// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.learn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The programs in docs/examples run as a reader runs them, from their source, and learn. */
class ExamplesTest {
    private static final Path EXAMPLES = Path.of("../docs/examples");
    private static final Pattern LOSS = Pattern.compile("loss ([0-9.E-]+)");

    /** What {@code example} prints. */
    private static String run(String example, String... flags) throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector", "-cp", System.getProperty("java.class.path"));
        java.command().addAll(List.of(flags));
        java.command().add(EXAMPLES.resolve(example).toString());
        Process process = java.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    private static List<Double> losses(String output) {
        return LOSS.matcher(output).results().map((MatchResult loss) -> Double.valueOf(loss.group(1))).toList();
    }

    @Test
    void xorIsLearntInTwelveLines() throws IOException, InterruptedException {
        long lines = Files.readAllLines(EXAMPLES.resolve("Xor.java")).stream()
                .filter(line -> line.startsWith("    ") && !line.equals("    }")).count();
        assertTrue(lines <= 12, lines + " lines");
        List<Double> losses = losses(run("Xor.java"));
        assertEquals(10, losses.size());
        assertTrue(losses.getLast() < 0.01, "losses " + losses);
    }

    @Test
    void tinyGptLearnsAndWritesInTwoHundredLines() throws IOException, InterruptedException {
        assertTrue(Files.readAllLines(EXAMPLES.resolve("TinyGpt.java")).size() <= 200);
        String output = run("TinyGpt.java", "-Dsteps=40");
        List<Double> losses = losses(output);
        double guessing = Math.log(32); // the text has 32 different letters
        assertTrue(losses.getFirst() > 0.9 * guessing && losses.getLast() < 0.7 * guessing, "losses " + losses);
        int lastLoss = output.lastIndexOf("loss");
        assertEquals(400, output.substring(output.indexOf('\n', lastLoss) + 1).strip().length(), 5, output);
    }
}
