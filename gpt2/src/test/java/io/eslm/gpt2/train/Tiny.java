// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models and token files small enough to be trained in a test. */
public final class Tiny {
    public static final int VOCABULARY = 48;

    private Tiny() {
    }

    /** Two blocks, with dropout. */
    public static Gpt2Config config() {
        return new Gpt2Config(2, 2, 24, 16, VOCABULARY, 0.1, 1e-5);
    }

    public static Gpt2 model(Gpt2Config config, Backend backend) {
        return new Gpt2(config, backend, Weights.random(config, backend, Rng.of(3)));
    }

    /** Tokens of which two in three follow from the one before, in a prepared folder. */
    public static TokenData data(Path dir, int vocabulary) {
        try {
            Files.createDirectories(dir);
            write(dir.resolve("train.bin"), 4000, vocabulary, Rng.of(1));
            write(dir.resolve("val.bin"), 500, vocabulary, Rng.of(2));
            return TokenData.open(dir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, int tokens, int vocabulary, Rng rng) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(2 * tokens).order(ByteOrder.LITTLE_ENDIAN);
        int token = 0;
        for (int i = 0; i < tokens; i++) {
            token = rng.nextInt(3) < 2 ? (5 * token + 3) % vocabulary : rng.nextInt(vocabulary);
            bytes.putShort((short) token);
        }
        Files.write(file, bytes.array());
    }

    /** Two micro-batches a step, warm-up, cosine, clipping, and nothing between the steps. */
    public static TrainOptions options(int maxIters) {
        return new TrainOptions(maxIters, 4, 2, 5e-3, 5e-4, 5, 0.1, 0.9, 0.95, 1.0, 0, 2, 0, 0, 11);
    }

    /** Keeps the tokens with a loss above the mean, so that their number changes from step to step; counts its calls. */
    public static final class AboveMean implements Objective {
        private long calls;

        @Override
        public String name() {
            return "above-mean";
        }

        @Override
        public MicroBatchLoss of(MicroBatch batch) {
            calls++;
            TokenRisks risks = TokenRisks.of(batch);
            double mean = 0;
            for (float loss : risks.loss()) {
                mean += loss / batch.tokens();
            }
            boolean[] keep = new boolean[batch.tokens()];
            for (int i = 0; i < keep.length; i++) {
                keep[i] = risks.loss()[i] >= mean * (calls % 2 == 0 ? 1 : 0.9) || batch.rng().nextInt(10) == 0;
            }
            return risks.over(Selection.mean(keep, mean, 0.5));
        }

        @Override
        public JsonObject state() {
            JsonObject state = new JsonObject();
            state.addProperty("calls", calls);
            return state;
        }

        @Override
        public void restore(JsonObject state) {
            calls = state.get("calls").getAsLong();
        }
    }
}
