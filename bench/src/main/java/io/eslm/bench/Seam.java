// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.KernelWatch;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Watches the seam of a backend: every call of a kernel, and every copy from or to the host, as it is made. */
public final class Seam {
    /**
     * One call.
     *
     * @param name the kernel and its integer arguments (the shapes), in the seam's order; - for null
     * @param storages its storages that are not null
     * @param flops multiply-adds that the backend counted, as two
     * @param launches {@link Backend#launches} that it took
     */
    public record Call(String name, List<Storage> storages, long nanos, long flops, long launches) {
    }

    private Seam() {
    }

    /**
     * One copy between the host's arrays and a storage.
     *
     * @param name "write" to the storage or "read" from it
     */
    public record Copy(String name, Storage storage, int elements) {
        public long bytes() {
            return (long) elements * storage.dtype().bytes();
        }
    }

    /** {@code backend}, telling {@code listener} of each call once it is done. */
    public static Backend watch(Backend backend, Consumer<Call> listener) {
        return watch(backend, listener, copy -> {
        });
    }

    /** The same, telling {@code copies} of each copy. */
    public static Backend watch(Backend backend, Consumer<Call> listener, Consumer<Copy> copies) {
        Kernels kernels = KernelWatch.of(backend.kernels(), (kernel, args, run) -> {
            long counted = backend.flops().total();
            long launched = backend.launches();
            long start = System.nanoTime();
            run.run();
            backend.finish();
            long nanos = System.nanoTime() - start;
            listener.accept(new Call(name(kernel, args), storages(args), nanos, backend.flops().total() - counted,
                    backend.launches() - launched));
        });
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class},
                (self, method, args) -> {
                    String name = method.getName();
                    if (name.equals("write") || name.equals("read")) {
                        copies.accept(new Copy(name, (Storage) args[0], (int) args[3]));
                    }
                    return switch (name) {
                        case "kernels" -> kernels;
                        case "equals" -> self == args[0];
                        default -> call(method, backend, args);
                    };
                });
    }

    private static List<Storage> storages(Object[] args) {
        return Arrays.stream(args).flatMap(a -> a instanceof Storage[] all ? Arrays.stream(all) : Stream.of(a))
                .filter(a -> a instanceof Storage).map(Storage.class::cast).toList();
    }

    private static String name(String kernel, Object[] args) {
        StringJoiner joiner = new StringJoiner(" ", kernel + " ", "");
        for (Object a : args) {
            if (a instanceof Integer || a instanceof Boolean || a instanceof Enum) {
                joiner.add(a.toString());
            } else if (a == null) {
                joiner.add("-");
            } else if (a instanceof int[] numbers && args[1] instanceof Storage[]) {
                joiner.add(numbers.length + " tensors");
            } else if (!(a instanceof Storage) && !(a instanceof Storage[]) && !(a instanceof Double)) {
                joiner.add("…");
            }
        }
        return joiner.toString();
    }

    private static Object call(Method method, Object target, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
