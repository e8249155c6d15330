// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.gpt2.tokenizer.CharTokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training on documents that do not see each other. */
class DocumentTrainingTest {
    private static final Tokenizer BYTES = new ByteTokenizer();
    private static final int END = BYTES.endOfText().getAsInt();
    private static final Gpt2Config CONFIG = Gpt2Config.of(2, 2, 24, 32).with(Gpt2Config.VOCAB_SIZE, BYTES.vocabSize())
            .with(Gpt2Config.DROPOUT, 0.1);

    @TempDir
    private Path dir;
    private final Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    /** Documents of 1 to 20 letters, each going up or down the alphabet from some letter. */
    private TokenData data(Optional<Tokenizer> tokenizer) throws IOException {
        write("train.bin", 6000, Rng.of(1));
        write("val.bin", 600, Rng.of(2));
        TokenData read = TokenData.open(dir);
        return new TokenData(read.train(), read.val(), read.source(), tokenizer);
    }

    private void write(String file, int tokens, Rng rng) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(2 * tokens).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            int letter = rng.nextInt(26);
            int step = rng.nextInt(2) == 0 ? 1 : 25;
            for (int left = 1 + rng.nextInt(20); left > 0 && bytes.remaining() > 2; left--) {
                bytes.putShort((short) ('a' + letter));
                letter = (letter + step) % 26;
            }
            bytes.putShort((short) END);
        }
        Files.write(dir.resolve(file), bytes.array());
    }

    private static TrainOptions options(boolean separate) {
        return Tiny.options(120).with(TrainOptions.LEARNING_RATE, 1e-2).with(TrainOptions.MIN_LR, 1e-3)
                .with(TrainOptions.EVAL_INTERVAL, 60).with(TrainOptions.SEPARATE_DOCUMENTS, separate);
    }

    private Trainer trainer(TrainOptions options, List<TrainEvent> events) throws IOException {
        return new Trainer(Tiny.model(CONFIG, backend), new Objective.Mean(), data(Optional.of(BYTES)), options,
                events::add);
    }

    private List<TrainEvent> train(boolean separate) throws IOException {
        List<TrainEvent> events = new ArrayList<>();
        try (Trainer trainer = trainer(options(separate), events)) {
            assertEquals(separate ? OptionalInt.of(END) : OptionalInt.empty(), trainer.model().separator());
            trainer.run(() -> false, () -> {
            });
        }
        return events;
    }

    private static double[] losses(List<TrainEvent> events) {
        return events.stream().mapMulti((TrainEvent e, Consumer<Double> each) -> {
            if (e instanceof TrainEvent.Step s) {
                each.accept(s.loss());
            } else if (e instanceof TrainEvent.Evaluated v) {
                each.accept(v.result().loss());
            }
        }).mapToDouble(x -> x).toArray();
    }

    @Test
    void theLossFallsTheSameWayEachTime() throws IOException {
        double[] first = losses(train(true));
        assertArrayEquals(first, losses(train(true)));
        double[] without = losses(train(false));
        // The first evaluation is of the same weights on the same windows: held-out documents are separated too.
        assertNotEquals(without[0], first[0]);
        assertNotEquals(without[1], first[1]);
        assertEquals(Math.log(BYTES.vocabSize()), first[0], 0.1, "a new model knows nothing");
        // A document of n letters, 10.5 on average, costs ln 26 + ln 2, and ln 20 for its length: 0.60 nats a token.
        assertTrue(first[first.length - 1] < 1.4, "held-out loss " + first[first.length - 1]);
        assertTrue(first[first.length - 2] < 1.4, "training loss " + first[first.length - 2]);
    }

    @Test
    void fewerPairsAreComputed() throws IOException {
        OptionalDouble with = flops(train(true));
        OptionalDouble without = flops(train(false));
        assertTrue(with.getAsDouble() < without.getAsDouble());
    }

    private static OptionalDouble flops(List<TrainEvent> events) {
        return events.stream().filter(e -> e instanceof TrainEvent.Step)
                .mapToDouble(e -> ((TrainEvent.Step) e).flops().total()).average();
    }

    /** Stopped at a checkpoint and resumed: the same losses; with the other value of the option: refused. */
    @Test
    void aResumedRunSeparatesToo() throws IOException {
        double[] whole = losses(train(true));
        List<TrainEvent> events = new ArrayList<>();
        Path checkpoint;
        try (Trainer trainer = trainer(options(true), events)) {
            trainer.run(() -> trainer.step() == 70, () -> {
            });
            new Checkpoints(dir.resolve("run")).save(trainer, OptionalDouble.empty());
            checkpoint = new Checkpoints(dir.resolve("run")).find(false).orRefuse().newest().orElseThrow();
        }
        Gpt2 saved = Checkpoints.model(checkpoint, backend);
        TokenData data = data(Optional.of(BYTES));
        try (Trainer trainer = new Trainer(saved, new Objective.Mean(), data, options(true), events::add)) {
            Checkpoints.restore(trainer, checkpoint);
            trainer.run(() -> false, () -> {
            });
        }
        assertArrayEquals(whole, losses(events));
        try (Trainer trainer = new Trainer(saved, new Objective.Mean(), data, options(false), events::add)) {
            OptionError e = assertThrows(OptionError.class, () -> Checkpoints.restore(trainer, checkpoint));
            assertTrue(e.getMessage().startsWith("separate documents false: the run started with true"),
                    e.getMessage());
        }
    }

    @Test
    void tokensWithoutAnEndOfDocumentsAreRefused() throws IOException {
        TokenData unknown = data(Optional.empty());
        OptionError e = assertThrows(OptionError.class, () -> options(true).separator(unknown));
        assertEquals("separate documents: " + dir + " does not say which of its ids ends a document, because its "
                + "tokenizer is not known. Omit the option, or put the tokenizer beside the tokens", e.getMessage());
        TokenData letters = data(Optional.of(new CharTokenizer("a", "b")));
        e = assertThrows(OptionError.class, () -> options(true).separator(letters));
        assertEquals(
                "separate documents: the tokenizer of " + dir + " (2 characters) has no token that ends a document."
                        + " Omit the option, or use another tokenizer",
                e.getMessage());
        assertEquals(OptionalInt.empty(), options(false).separator(unknown));
    }
}
