// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.Objective;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * Declares a training method.
 *
 * @param name in specifications, see {@link MethodSpec}
 * @param options its own, in the order of specifications and help texts; an option may have another default than in other
 *        methods
 * @param check refuses values that do not fit each other or the model
 * @param memory that the method needs in addition to plain language modelling
 * @param maker makes the objective in its initial state
 */
public record Method(String name, OptionGroup options, Check check, Memory memory, Maker maker) {
    /** Loads a model folder on the backend that trains. */
    public interface Models extends Function<Path, Gpt2> {
    }

    /** Finds out, before any work, whether the method can train a model. */
    @FunctionalInterface
    public interface Check {
        /** @throws io.eslm.tensor.UserError if it cannot; the message says why */
        void check(OptionValues values, Gpt2Config model);
    }

    /** Estimates memory. */
    @FunctionalInterface
    public interface Memory {
        /** Bytes that a step needs in addition to {@link MemoryNeed#ofTraining}. */
        long bytes(OptionValues values, Gpt2Config model, int batchSize);
    }

    /** Makes the objective. */
    @FunctionalInterface
    public interface Maker {
        /**
         * The objective that a run trains on.
         *
         * @param spec the values; its text is the {@link Objective#name}
         * @param models loads other models, such as a teacher
         */
        Objective make(MethodSpec spec, Models models);
    }

    /** A method that fits every model and needs no memory of its own. */
    public static Method of(String name, List<Option<?>> options, Maker maker) {
        return new Method(name, new OptionGroup(name, options), (_, _) -> {
        }, (_, _, _) -> 0, maker);
    }

    /** This method, with a check. */
    public Method checking(Check newCheck) {
        return new Method(name, options, newCheck, memory, maker);
    }

    /** This method, with an estimate of its memory. */
    public Method needing(Memory newMemory) {
        return new Method(name, options, check, newMemory, maker);
    }
}
