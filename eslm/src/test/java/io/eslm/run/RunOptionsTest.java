// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.gpt2.Gpt2Config;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunOptionsTest {
    private static final RunOptions NONE = RunOptions.of(Run.GROUP);

    /** The demo's vocabulary is for the demo's model on the demo's text, and for nothing that was chosen. */
    @Test
    void onlyTheDemoHasItsOwnTokenizer() {
        assertEquals(Optional.of("jdk"), NONE.tokenizer("jdk"));
        assertEquals(Optional.of("jdk"), NONE.with(Gpt2Config.N_LAYER, 6).tokenizer("jdk"));
        assertEquals(Optional.empty(), NONE.tokenizer("book.txt"));
        assertEquals(Optional.empty(), NONE.with(Run.PRESET, "gpt2").tokenizer("jdk"));
        assertEquals(Optional.empty(), NONE.with(Gpt2Config.VOCAB_SIZE, 50304).tokenizer("jdk"));
        assertEquals(Optional.of("gpt2"), NONE.with(Run.TOKENIZER, "gpt2").tokenizer("jdk"));
    }
}
