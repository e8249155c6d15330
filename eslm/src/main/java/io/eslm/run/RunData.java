// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.Optional;

/** The data of a run. */
final class RunData {
    private RunData() {
    }

    /** The tokenizer that the data must be of, or is made with: the model's, or the one of this name that is asked for. */
    static Optional<Tokenizer> tokenizer(RunPlan plan, Optional<String> name, boolean resume) {
        Optional<Tokenizer> asked = name.map(ModelFolder::tokenizerAt);
        Optional<Path> model = plan.checkpoint().or(plan::from);
        Optional<Tokenizer> own = model.isPresent() ? ModelFolder.tokenizer(model.get())
                : resume ? Tokenizers.inFolder(plan.folder()) : Optional.empty();
        if (asked.isPresent() && own.isPresent()
                && Tokenizers.firstDifference(asked.get(), own.get()).isPresent()) {
            throw new OptionError(Run.TOKENIZER, name.get(),
                    "the model has a tokenizer of its own ("
                            + own.get().description() + "). Omit the option");
        }
        return own.or(() -> asked);
    }

    /** Where the data of a run to resume is: where it is given, or where it was. */
    static String of(Json config, OptionValues given) {
        if (given.isSet(Run.DATA)) {
            return given.get(Run.DATA);
        }
        String saved = config.required("data", String.class);
        DataSource.missing(saved).ifPresent(place -> {
            throw new OptionError(Run.DATA, place, "was the data of this run, and is not there any more"
                    + (Path.of(place).isAbsolute() ? "" : " (seen from " + Path.of("").toAbsolutePath() + ")")
                    + ". Give the path where it is now; it is known by its content");
        });
        return saved;
    }
}
