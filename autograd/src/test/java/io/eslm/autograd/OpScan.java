// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.OpSamples;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** Finds every op in the compiled packages, so that the tests miss none. */
final class OpScan {
    private static final List<String> PACKAGES = List.of("io.eslm.autograd.op", "io.eslm.autograd.op.basic");

    private OpScan() {
    }

    /** One sample, named by its op and its place among that op's samples: {@code MatMul 3}. */
    record Named(String name, Sample sample) {
    }

    /** All classes of the two packages that implement {@link Op}, by name. */
    static List<Class<?>> ops() {
        return PACKAGES.stream().flatMap(name -> ops(name).stream()).toList();
    }

    private static List<Class<?>> ops(String inPackage) {
        Path folder;
        try {
            folder = Path.of(Op.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                    .resolve(inPackage.replace('.', '/'));
        } catch (java.net.URISyntaxException e) {
            throw new AssertionError(e);
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith(".class")).sorted()
                    .<Class<?>>map(n -> load(inPackage + "." + n.substring(0, n.length() - ".class".length())))
                    .filter(c -> Op.class.isAssignableFrom(c) && !c.isInterface()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The samples of {@code op}. */
    static List<Named> samples(Class<?> op, SampleSource source) {
        Function<SampleSource, Stream<Sample>> apart = OpSamples.ALL.get(op);
        Stream<?> samples;
        try {
            samples = apart != null ? apart.apply(source)
                    : (Stream<?>) op.getMethod("samples", SampleSource.class).invoke(null, source);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            throw new AssertionError(
                    op.getSimpleName() + " needs public static Stream<Sample> samples(SampleSource), or "
                            + "an entry in OpSamples: inputs on which its gradient is compared with differences",
                    e);
        } catch (InvocationTargetException e) {
            throw new AssertionError(op.getSimpleName() + ".samples failed", e.getCause());
        }
        List<Named> named = new ArrayList<>();
        samples.forEach(s -> named.add(new Named(op.getSimpleName() + " " + named.size(), (Sample) s)));
        return named;
    }

    /** The samples of all ops. */
    static List<Named> all(SampleSource source) {
        return ops().stream().flatMap(op -> samples(op, source).stream()).toList();
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }
}
