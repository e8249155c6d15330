// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparisons started from Java. */
class ComparerTest {
    @TempDir
    private Path temp;

    private Comparer comparer(String... methods) throws IOException {
        return Comparer.create().methods(List.of(methods)).option(Comparer.SEEDS, 1)
                .option(Comparer.DATA, Program.tokens(temp.resolve("data")).toString())
                .option(Comparer.OUT_DIR, temp.resolve("out")).option(Comparer.THREADS, 1)
                .option(Gpt2Config.N_LAYER, 1).option(Gpt2Config.N_HEAD, 1).option(Gpt2Config.N_EMBD, 8)
                .option(Gpt2Config.BLOCK_SIZE, 8).option(Gpt2Config.VOCAB_SIZE, 64)
                .option(TrainOptions.BATCH_SIZE, 2).option(TrainOptions.MAX_ITERS, 6)
                .option(TrainOptions.EVAL_INTERVAL, 3).option(TrainOptions.EVAL_ITERS, 2);
    }

    /** Stopped in the second run; started again, it finishes that run only. */
    @Test
    void stopsAndContinues() throws IOException {
        List<CompareEvent> events = new ArrayList<>();
        CompareResult stopped = comparer("random:alpha=0.5").listener(events::add).start(() -> events.stream()
                .anyMatch(e -> e instanceof CompareEvent.Trained t && t.run().endsWith("random:alpha=0.5")
                        && t.event() instanceof TrainEvent.Step s && s.step() == 2));
        assertFalse(stopped.finished());
        assertEquals(List.of("clm"), stopped.comparison().methods().stream().map(ComparedMethod::label).toList());
        assertTrue(events.getFirst() instanceof CompareEvent.Started s && s.runs() == 2 && s.finished() == 0);
        events.clear();
        CompareResult done = comparer("random:alpha=0.5").listener(events::add).start(() -> false);
        assertTrue(done.finished() && done.diverged().isEmpty());
        assertEquals(List.of("clm", "random-0.5"),
                done.comparison().methods().stream().map(ComparedMethod::label).toList());
        assertTrue(events.getFirst() instanceof CompareEvent.Started s && s.finished() == 1);
        List<Long> steps = events.stream().filter(e -> e instanceof CompareEvent.Trained)
                .map(e -> ((CompareEvent.Trained) e).event()).filter(e -> e instanceof TrainEvent.Step)
                .map(TrainEvent::step).toList();
        assertEquals(List.of(3L, 4L, 5L, 6L), steps);
    }

    @Test
    void namesAnOptionByItsWords() throws IOException {
        var e = assertThrows(OptionError.class, () -> comparer("instance:exit-blocks=2").open());
        assertEquals("methods instance:instance-alpha=0.25,instance-risk=loss,exit-blocks=2,exit-stride=4,draw=kept: "
                + "exit blocks 2: must be at most the model's 1 blocks", e.getMessage());
        e = assertThrows(OptionError.class, () -> comparer().open());
        assertTrue(e.getMessage().startsWith("methods: name the methods to compare with clm"), e.getMessage());
    }
}
