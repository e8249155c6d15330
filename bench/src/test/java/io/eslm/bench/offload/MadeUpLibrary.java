// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A library whose native functions are the static methods of a class of this test: what calls them cannot tell. */
@SuppressWarnings("restricted") // native functions are what it makes up
final class MadeUpLibrary {
    private MadeUpLibrary() {
    }

    /** The static methods of {@code functions}, by their names. */
    static Native of(Class<?> functions) {
        Map<String, MemorySegment> symbols = new HashMap<>();
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        for (var method : functions.getDeclaredMethods()) {
            if (method.isSynthetic()) {
                continue;
            }
            try {
                MethodType type = MethodType.methodType(method.getReturnType(), method.getParameterTypes());
                MemoryLayout[] arguments = Arrays.stream(method.getParameterTypes()).map(MadeUpLibrary::layout)
                        .toArray(MemoryLayout[]::new);
                FunctionDescriptor descriptor = method.getReturnType() == void.class
                        ? FunctionDescriptor.ofVoid(arguments)
                        : FunctionDescriptor.of(layout(method.getReturnType()), arguments);
                symbols.put(method.getName(), Linker.nativeLinker().upcallStub(
                        lookup.findStatic(functions, method.getName(), type), descriptor, Arena.global()));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        return new Native("libmadeup.so", name -> Optional.ofNullable(symbols.get(name)));
    }

    private static MemoryLayout layout(Class<?> type) {
        return type == int.class ? JAVA_INT : type == long.class ? JAVA_LONG : type == float.class ? JAVA_FLOAT
                : ADDRESS;
    }

    /** Writes where native code got a pointer to. */
    static MemorySegment at(MemorySegment pointer, long bytes) {
        return pointer.reinterpret(bytes);
    }
}
