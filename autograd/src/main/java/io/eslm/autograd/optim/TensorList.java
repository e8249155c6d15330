// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Collection;
import java.util.List;

/** Parameters as the optimizer's kernels take them: all at once, in arrays. */
final class TensorList {
    private final List<Parameter> parameters;
    private final Storage[] gradients;
    final Storage[] values;
    final int[] sizes;

    TensorList(Collection<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
        values = storages(this.parameters.stream().map(Parameter::value).toList());
        sizes = this.parameters.stream().mapToInt(p -> p.value().size()).toArray();
        gradients = new Storage[values.length];
    }

    static Storage[] storages(Collection<Tensor> tensors) {
        return tensors.stream().map(Tensor::storage).toArray(Storage[]::new);
    }

    boolean isEmpty() {
        return values.length == 0;
    }

    Kernels kernels() {
        return parameters.getFirst().value().kernels();
    }

    /** A new 0 beside them, of their type. */
    Tensor scalar() {
        Tensor first = parameters.getFirst().value();
        return Tensor.zeros(first.backend(), first.dtype(), 1);
    }

    /** Those of the gradients as they are now, zero where no backward pass has been. */
    Storage[] gradients() {
        for (int t = 0; t < gradients.length; t++) {
            gradients[t] = parameters.get(t).gradient().storage();
        }
        return gradients;
    }
}
