// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchGeneratorTest {
    private final Backend backend = Backends.open("vector", 2);
    private final Gpt2 model = ModelFolder.load(Golden.folder("odd"), backend);

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void aSequenceIsWhatAGeneratorMakes() throws InterruptedException {
        int[] prompt = {3, 14, 15};
        List<Integer> got = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        try (BatchGenerator batch = new BatchGenerator(model, Optional.empty(), BatchLimits.of(1 << 20))) {
            batch.submit(new Request(prompt, new Sampling(1, 0, 1, 9, 4), 2, true), new Listener() {
                @Override
                public void onPrompt(List<TokenLogprobs> positions) {
                    assertEquals(2, positions.size());
                }

                @Override
                public boolean onToken(int id, TokenLogprobs logprobs) {
                    assertEquals(2, logprobs.topIds().length);
                    return got.add(id);
                }

                @Override
                public void onEnd(Generation.End end, Throwable error) {
                    assertEquals(Generation.End.LENGTH, end);
                    done.countDown();
                }
            });
            done.await();
        }
        assertArrayEquals(
                new Generator(model, Optional.empty()).generate(prompt, new Sampling(1, 0, 1, 9, 4), t -> true)
                        .tokens(),
                got.stream().mapToInt(Integer::intValue).toArray());
    }
}
