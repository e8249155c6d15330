// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.gpt2.option.Option;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.ScalarBackend;
import java.util.Locale;

/** How a model that is not trained keeps its weights in memory. */
public enum WeightFormat {
    /** Single precision. */
    F32,
    /**
     * The matrices of the linear layers, the token embedding and the head in 8 bits ({@link Q8Storage}); positions, biases and norms,
     * which are small, in single precision. Activations are in single precision. Such a model computes everything but gradients.
     */
    Q8;

    private static final String POSITIONS = "positions.weight";
    private static final String HEAD = "head.weight";
    private static final String TOKENS = "tokens.weight";

    /** The option that chooses one. */
    public static final Option<WeightFormat> OPTION = Option.choice("weights", "FORMAT",
            "how to keep the weights in memory: f32, or q8, 8 bits a weight, which is faster and takes a quarter of the memory",
            values()).defaultsTo(F32);

    /** Checks that {@code backend} computes with weights in this format. */
    public void check(Backend backend) {
        if (this == Q8 && !(backend instanceof ScalarBackend)) {
            throw new UserError("backend '" + backend.name()
                    + "' computes with weights in f32 alone. Use backend vector for weights in q8");
        }
    }

    /**
     * The weights of {@code source}, F32, in this format. Each matrix is rounded as soon as it is read, so that no two are in memory in
     * single precision.
     */
    public Weights of(Weights source) {
        return this == F32 ? source : (path, dims) -> {
            Tensor t = source.load(path, dims);
            check(t.backend());
            if (t.rank() != 2 || path.equals(POSITIONS)) {
                return t;
            }
            boolean turned = !path.equals(TOKENS) && !path.equals(HEAD);
            HeapStorage.F32 values = (HeapStorage.F32) HeapStorage.of(t.storage());
            return new Tensor(t.backend(), turned ? Q8Storage.of(values, t.dim(1), t.dim(0), true)
                    : Q8Storage.of(values, t.dim(0), t.dim(1), false), t.shape());
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
