// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import java.util.Optional;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.Range;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
    @TempDir
    private Path dir;

    /** Few windows of a large domain and all of a small one: the weights make the sample represent the whole. */
    @Test
    void weightedTokensGiveTheLoss() {
        try (Backend backend = Backends.open("vector", 1)) {
            Gpt2 model = Tiny.model(Tiny.config(), backend);
            TokenSet set = new TokenSet(Tiny.data(dir, Tiny.VOCABULARY).val().orElseThrow().tokens(),
                    List.of(new Domain("small", List.of(new Range(0, 40))),
                            new Domain("large", List.of(new Range(40, 400)))));
            int time = model.config().blockSize();
            Evaluation.Result result = new Evaluation(model, new Workspace(backend), 3, Optional.empty())
                    .run(EvalWindows.all(set, time).subset(2, 4), time);
            assertEquals(39 + 5 * time, result.predictions());
            assertEquals(1, DoubleStream.of(result.weights()).sum(), 1e-12);
            double small = IntStream.range(0, 39).mapToDouble(i -> result.weights()[i]).sum();
            assertEquals(39 / (39 + 359.0), small, 1e-12, "a domain weighs as much as it holds");
            double mean = IntStream.range(0, result.tokens().length)
                    .mapToDouble(i -> result.weights()[i] * result.tokens()[i]).sum();
            assertEquals(result.loss(), mean, 1e-12, "sums of 119 doubles of size 4 in another order");
            assertTrue(result.domains().get("small") != result.domains().get("large").doubleValue());
        }
    }
}
