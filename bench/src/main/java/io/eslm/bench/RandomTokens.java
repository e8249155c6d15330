// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.TokenData;
import io.eslm.tensor.Rng;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** Makes training data for timings; the speed of a step does not depend on the tokens. */
public final class RandomTokens {
    private RandomTokens() {
    }

    /** Calls {@code use} with {@code windows} windows of random tokens, in a folder that is deleted afterwards. */
    public static <T> T with(Gpt2Config config, int windows, Function<TokenData, T> use) {
        try {
            Path dir = Files.createTempDirectory("eslm-bench");
            Path file = dir.resolve("train.bin");
            try {
                write(file, windows * config.blockSize() + 1, config.vocabSize());
                return use.apply(TokenData.open(dir));
            } finally {
                Files.deleteIfExists(file);
                Files.delete(dir);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes {@code n} random tokens below {@code ids}. */
    static void write(Path file, int n, int ids) {
        ByteBuffer tokens = ByteBuffer.allocate(2 * n).order(ByteOrder.LITTLE_ENDIAN);
        Rng rng = Rng.of(2);
        for (int i = 0; i < n; i++) {
            tokens.putShort((short) rng.nextInt(ids));
        }
        try {
            Files.write(file, tokens.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
