// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.autograd.Parameter;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One row of a parameter of a model.
 *
 * @param name as in a checkpoint: {@code transformer.wte.weight}
 * @param row from 0; a vector is one row
 */
record RowQuery(String name, Parameter parameter, int row) {
    /** As the user asks for it. */
    static final Option<String> OPTION = Option.text("row", "NAME:ROW",
            "also tell from which tokens one row of a parameter's gradient comes: transformer.wte.weight:464")
            .defaultsTo("none", _ -> null);

    /** @throws OptionError if the model has no such parameter, or the parameter no such row */
    static RowQuery of(String text, Gpt2 model) {
        int colon = text.lastIndexOf(':');
        if (colon < 0 || !text.substring(colon + 1).matches("\\d{1,9}")) {
            throw new OptionError(OPTION, text,
                    "must be the name of a parameter, a colon and a row from 0, for example "
                            + PretrainedNames.of("tokens.weight") + ":464");
        }
        String asked = text.substring(0, colon);
        int row = Integer.parseInt(text.substring(colon + 1));
        for (Map.Entry<String, Parameter> e : model.parameters().entrySet()) {
            String name = PretrainedNames.of(e.getKey());
            if (asked.equals(name) || asked.equals(e.getKey())
                    || asked.equals(PretrainedNames.bare(name))) {
                int rows = e.getValue().shape().rank() == 1 ? 1 : e.getValue().shape().dim(0);
                if (row >= rows) {
                    throw new OptionError(OPTION, text, name + " " + e.getValue().shape() + " has "
                            + (rows == 1 ? "one row, 0" : "rows 0 to " + (rows - 1)));
                }
                return new RowQuery(name, e.getValue(), row);
            }
        }
        throw new OptionError(OPTION, text, "the model has no parameter '" + asked + "'; it has " + model.parameters()
                .keySet().stream().map(PretrainedNames::of).map(name -> name.replaceFirst("\\.h\\.\\d+\\.", ".h.N."))
                .distinct().collect(Collectors.joining(", ")));
    }
}
