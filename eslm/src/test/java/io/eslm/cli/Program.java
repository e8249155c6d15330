// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.tensor.Rng;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs the program in the test's JVM, and makes small inputs for it. */
public final class Program {
    /** A model that trains in milliseconds. */
    public static final List<String> TINY =
            List.of("--n-layer", "2", "--n-head", "2", "--n-embd", "16", "--block-size", "16",
                    "--vocab-size", "64", "--batch-size", "4", "--eval-iters", "2", "--threads", "1");

    private Program() {
    }

    /** How the program ended. */
    public record Outcome(int code, String out, String err) {
        /** Fails with the program's messages unless it succeeded. */
        public Outcome ok() {
            assertEquals(0, code, err);
            return this;
        }
    }

    public static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), false, arguments);
        return new Outcome(code, out.toString(), err.toString());
    }

    /** Trains {@link #TINY} on {@code data} into {@code out}, with {@code more} options. */
    public static Outcome train(Path data, Path out, String... more) {
        List<String> all = new ArrayList<>(List.of("train", "--data", data.toString(), "--out-dir", out.toString()));
        all.addAll(TINY);
        all.addAll(List.of(more));
        return run(all.toArray(String[]::new));
    }

    /** A prepared folder of tokens below 64 that can be learnt: most follow from the one before. */
    public static Path tokens(Path dir) throws IOException {
        Files.createDirectories(dir);
        Files.write(dir.resolve("train.bin"), uint16(chain(4000, 1)));
        Files.write(dir.resolve("val.bin"), uint16(chain(500, 2)));
        return dir;
    }

    public static int[] chain(int n, long seed) {
        Rng rng = Rng.of(seed);
        int[] ids = new int[n];
        for (int i = 1; i < n; i++) {
            ids[i] = rng.nextInt(4) == 0 ? rng.nextInt(64) : (ids[i - 1] * 5 + 1) % 64;
        }
        return ids;
    }

    public static byte[] uint16(int... ids) {
        byte[] bytes = new byte[2 * ids.length];
        for (int i = 0; i < ids.length; i++) {
            bytes[2 * i] = (byte) ids[i];
            bytes[2 * i + 1] = (byte) (ids[i] >> 8);
        }
        return bytes;
    }
}
