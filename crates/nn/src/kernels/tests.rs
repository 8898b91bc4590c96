//! Every fast kernel against the reference, on shapes that do not fit its blocks.

use bakeoff_machine::Isa;

use super::{parallel::Threads, *};

/// Numbers in (−1, 1) that repeat for a seed.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut stream = bakeoff_random::Stream::new(seed, "kernel-test", 0, 0);
    (0..len).map(|_| stream.range(-1.0, 1.0) as f32).collect()
}

/// Fast back ends on every instruction set here, with one thread and with three; convolutions by their definition, whose
/// rounding is bounded tightly.
fn fast() -> Vec<Cpu> {
    with_winograd().into_iter().map(Cpu::without_winograd).collect()
}

/// The same with the algorithm of fewer multiplications.
fn with_winograd() -> Vec<Cpu> {
    Isa::available()
        .into_iter()
        .flat_map(|isa| [1, 3].map(|count| Cpu::with_isa(isa, Threads::new(count).unwrap())))
        .collect()
}

/// √(Σ (a − b)² / Σ b²)
fn relative_error(fast: &[f32], reference: &[f32]) -> f64 {
    assert_eq!(fast.len(), reference.len());
    let square = |v: f64| v * v;
    let error: f64 = fast.iter().zip(reference).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    (error / reference.iter().map(|&b| square(f64::from(b))).sum::<f64>()).sqrt()
}

/// Relative to the largest value: sums of products have an absolute error.
fn close(what: &str, fast: &[f32], reference: &[f32], tolerance: f32) {
    assert_eq!(fast.len(), reference.len());
    let scale = reference.iter().fold(1e-6f32, |a, b| a.max(b.abs()));
    for (i, (a, b)) in fast.iter().zip(reference).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what} at {i}: {a} where {b} (largest {scale})");
    }
}

fn geometry(
    kernel: usize,
    stride: usize,
    padding: usize,
    (height, width): (usize, usize),
    inputs: usize,
    outputs: usize,
) -> Option<Convolution> {
    let side = |length: usize| Some((length + 2 * padding).checked_sub(kernel)? / stride + 1);
    Some(Convolution {
        kernel,
        stride,
        padding,
        in_height: height,
        in_width: width,
        inputs,
        out_height: side(height)?,
        out_width: side(width)?,
        outputs,
    })
}

/// Kernels, strides, images and channels of the zoo, and ones that fit no block.
fn geometries() -> Vec<(usize, Convolution)> {
    let mut list = Vec::new();
    let kernels = [(1, 1, 0), (1, 2, 0), (3, 1, 1), (3, 2, 1), (7, 2, 3), (5, 3, 1), (2, 2, 0)];
    for (kernel, stride, padding) in kernels {
        for size in [(1, 1), (5, 3), (13, 8)] {
            for (inputs, outputs) in [(3, 17), (17, 3), (32, 64), (120, 33)] {
                if inputs * outputs * kernel * kernel > 60_000 {
                    continue;
                }
                for n in [1, 7] {
                    list.extend(geometry(kernel, stride, padding, size, inputs, outputs).map(|g| (n, g)));
                }
            }
        }
    }
    // Deep enough for several blocks of columns.
    list.extend(geometry(1, 1, 0, (4, 3), 1100, 40).map(|g| (2, g)));
    list.extend(geometry(3, 1, 1, (4, 3), 150, 40).map(|g| (2, g)));
    // Enough rows for several blocks of rows and of partial sums.
    list.extend(geometry(3, 1, 1, (28, 28), 16, 16).map(|g| (3, g)));
    list
}

#[test]
fn convolutions_agree_with_the_reference() {
    for (n, conv) in geometries() {
        let input = numbers(1, n * conv.input_len());
        let weights = numbers(2, conv.weights());
        let grad = numbers(3, n * conv.output_len());
        let before = numbers(4, n * conv.input_len());
        let mut expected = vec![0.0; n * conv.output_len()];
        let mut expected_moments = Moments::default();
        Reference.conv(&conv, n, &input, &weights, &mut expected, Epilogue::Moments(&mut expected_moments));
        let mut expected_data = before.clone();
        Reference.conv_backward_data(&conv, n, &grad, &weights, &mut expected_data, true);
        let mut expected_weights = vec![0.0; conv.weights()];
        Reference.conv_backward_weights(&conv, n, &input, &grad, &mut expected_weights);
        for mut cpu in fast() {
            let what = format!("{} × {conv:?}", n);
            // What lies in the buffers before must not matter.
            let mut output = vec![f32::NAN; n * conv.output_len()];
            let mut moments = Moments::default();
            cpu.conv(&conv, n, &input, &weights, &mut output, Epilogue::Moments(&mut moments));
            close(&format!("output of {what}"), &output, &expected, 2e-6);
            close(&format!("mean of {what}"), &moments.mean, &expected_moments.mean, 1e-5);
            close(&format!("variance of {what}"), &moments.variance, &expected_moments.variance, 1e-5);

            let mut data = before.clone();
            cpu.conv_backward_data(&conv, n, &grad, &weights, &mut data, true);
            close(&format!("data gradient of {what}"), &data, &expected_data, 2e-6);
            let mut data = vec![f32::NAN; n * conv.input_len()];
            cpu.conv_backward_data(&conv, n, &grad, &weights, &mut data, false);
            let difference: Vec<f32> = expected_data.iter().zip(&before).map(|(a, b)| a - b).collect();
            close(&format!("fresh data gradient of {what}"), &data, &difference, 3e-6);

            let mut grad_weights = vec![f32::NAN; conv.weights()];
            cpu.conv_backward_weights(&conv, n, &input, &grad, &mut grad_weights);
            close(&format!("weight gradient of {what}"), &grad_weights, &expected_weights, 4e-6);
        }
    }
}

/// The convolutions of all networks at 64 px, each once.
fn zoo() -> Vec<Convolution> {
    let mut list = Vec::new();
    for info in crate::models() {
        let model = crate::Model::by_name(info.name, 10, 64).unwrap();
        for layer in crate::program::Program::inference(&model, 1).convs {
            if !list.contains(&layer.geometry) {
                list.push(layer.geometry);
            }
        }
    }
    list
}

#[test]
fn every_convolution_of_the_zoo_agrees_with_the_reference_on_every_instruction_set() {
    for conv in zoo() {
        let (input, weights) = (numbers(1, conv.input_len()), numbers(2, conv.weights()));
        let grad = numbers(3, conv.output_len());
        let run = |kernels: &mut dyn Kernels| {
            let (mut output, mut moments) = (vec![f32::NAN; grad.len()], Moments::default());
            kernels.conv(&conv, 1, &input, &weights, &mut output, Epilogue::Moments(&mut moments));
            let (mut data, mut sums) = (vec![f32::NAN; input.len()], vec![f32::NAN; weights.len()]);
            kernels.conv_backward_data(&conv, 1, &grad, &weights, &mut data, false);
            kernels.conv_backward_weights(&conv, 1, &input, &grad, &mut sums);
            [output, data, sums]
        };
        let expected = run(&mut Reference);
        for isa in Isa::available() {
            let got = run(&mut Cpu::with_isa(isa, Threads::new(2).unwrap()));
            for (pass, (got, expected)) in
                ["forward", "data", "weights"].iter().zip(got.iter().zip(&expected))
            {
                let error = relative_error(got, expected);
                assert!(error < 1e-5, "{pass} of {conv:?} on {}: {error:.1e}", isa.name());
            }
        }
    }
}

/// Numbers that end where memory ends: the page after them lies beyond the end of the mapped file, and touching it ends
/// the program.
#[cfg(target_os = "linux")]
struct Fenced {
    map: memmap2::MmapMut,
    start: usize,
}

#[cfg(target_os = "linux")]
impl Fenced {
    fn new(values: &[f32]) -> Self {
        const PAGE: usize = 4096;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        let len = bytes.len().next_multiple_of(PAGE);
        let file = tempfile::tempfile().unwrap();
        file.set_len(len as u64).unwrap();
        // SAFETY: nobody else has the file, and only its own pages are touched on purpose.
        let mut map = unsafe { memmap2::MmapOptions::new().len(len + PAGE).map_mut(&file).unwrap() };
        let start = len - bytes.len();
        map[start..len].copy_from_slice(&bytes);
        Self { map, start }
    }

    fn numbers(&mut self, len: usize) -> &mut [f32] {
        let bytes = &mut self.map[self.start..][..4 * len];
        // SAFETY: f32 takes any bytes, and the start is a multiple of four before a page's end.
        unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), len) }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_kernel_touches_what_lies_beyond_its_operands() {
    let odd =
        geometries().into_iter().filter(|(n, conv)| n * conv.input_len() < 20_000 && conv.in_height != 13);
    let winograd = geometry(3, 1, 1, (5, 7), 32, 32).map(|conv| (2, conv));
    for (n, conv) in odd.chain(winograd) {
        let (inputs, outputs, weights) = (n * conv.input_len(), n * conv.output_len(), conv.weights());
        let [mut input, mut grad_input] = [(); 2].map(|()| Fenced::new(&numbers(1, inputs)));
        let [mut output, mut grad_output] = [(); 2].map(|()| Fenced::new(&numbers(2, outputs)));
        let [mut kernel, mut grad_kernel] = [(); 2].map(|()| Fenced::new(&numbers(3, weights)));
        let (input, grad_input) = (input.numbers(inputs), grad_input.numbers(inputs));
        let (output, grad_output) = (output.numbers(outputs), grad_output.numbers(outputs));
        let (kernel, grad_kernel) = (kernel.numbers(weights), grad_kernel.numbers(weights));
        for isa in Isa::available() {
            let mut cpu = Cpu::with_isa(isa, Threads::new(1).unwrap());
            let mut moments = Moments::default();
            cpu.conv(&conv, n, input, kernel, output, Epilogue::Moments(&mut moments));
            cpu.conv_backward_data(&conv, n, grad_output, kernel, grad_input, false);
            cpu.conv_backward_weights(&conv, n, input, grad_output, grad_kernel);
            let sgd = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1 };
            let mut velocity = vec![0.0; weights];
            cpu.sgd(sgd, grad_kernel, kernel, &mut velocity);
        }
        assert!(output.iter().chain(&*grad_input).chain(&*grad_kernel).all(|value| value.is_finite()));
    }
}

#[test]
fn winograd_stays_within_a_hundred_thousandth_of_the_definition() {
    // One tile; tiles beyond the edge; many groups; few groups; weights that count as large, in one round and several.
    let shapes = [
        (1, (4, 4), 16, 16),
        (3, (13, 9), 32, 48),
        (9, (14, 14), 32, 32),
        (2, (20, 24), 16, 32),
        (2, (8, 8), 64, 64),
        (16, (7, 7), 64, 48),
        (1, (3, 7), 64, 64),
    ];
    for (n, size, inputs, outputs) in shapes {
        let conv = geometry(3, 1, 1, size, inputs, outputs).unwrap();
        let input = numbers(1, n * conv.input_len());
        let weights = numbers(2, conv.weights());
        let grad = numbers(3, n * conv.output_len());
        let before = numbers(4, n * conv.input_len());
        let run = |kernels: &mut dyn Kernels| {
            let (mut output, mut moments) = (vec![f32::NAN; grad.len()], Moments::default());
            kernels.conv(&conv, n, &input, &weights, &mut output, Epilogue::Moments(&mut moments));
            let (mut fresh, mut added) = (vec![f32::NAN; input.len()], before.clone());
            kernels.conv_backward_data(&conv, n, &grad, &weights, &mut fresh, false);
            kernels.conv_backward_data(&conv, n, &grad, &weights, &mut added, true);
            let mut grad_weights = vec![f32::NAN; weights.len()];
            kernels.conv_backward_weights(&conv, n, &input, &grad, &mut grad_weights);
            // A mean may be near zero; what counts is its error beside the deviation.
            moments.mean.iter_mut().zip(&moments.variance).for_each(|(m, v)| *m += v.sqrt());
            [output, fresh, added, grad_weights, moments.mean, moments.variance]
        };
        let expected = run(&mut Reference);
        for mut cpu in with_winograd() {
            for (i, (got, expected)) in run(&mut cpu).iter().zip(&expected).enumerate() {
                let error = relative_error(got, expected);
                assert!(error < 1e-5, "{n} × {conv:?}: result {i} is {error:.1e} off");
            }
        }
    }
}

#[test]
fn epilogues_agree_with_the_reference() {
    let (n, conv) = (3, geometry(3, 1, 1, (9, 7), 20, 37).unwrap());
    let input = numbers(1, n * conv.input_len());
    let weights = numbers(2, conv.weights());
    let skip = numbers(3, n * conv.output_len());
    let [mean, gamma, beta] = [4, 5, 6].map(|seed| numbers(seed, 37));
    let inverse = vec![0.7; 37];
    let norm = Norm { mean: &mean, inverse: &inverse, gamma: &gamma, beta: &beta };
    for (skip, relu) in [(None, false), (None, true), (Some(&skip[..]), false), (Some(&skip[..]), true)] {
        let mut expected = vec![0.0; skip.map_or(n * conv.output_len(), <[f32]>::len)];
        Reference.conv(&conv, n, &input, &weights, &mut expected, Epilogue::Norm { norm, skip, relu });
        for mut cpu in fast() {
            let mut output = vec![f32::NAN; expected.len()];
            cpu.conv(&conv, n, &input, &weights, &mut output, Epilogue::Norm { norm, skip, relu });
            close("convolution + norm", &output, &expected, 3e-6);
        }
    }
    let mut expected = vec![0.0; n * conv.output_len()];
    Reference.conv(&conv, n, &input, &weights, &mut expected, Epilogue::Bias(&beta));
    for mut cpu in fast() {
        let mut output = vec![f32::NAN; expected.len()];
        cpu.conv(&conv, n, &input, &weights, &mut output, Epilogue::Bias(&beta));
        close("convolution + bias", &output, &expected, 3e-6);
    }
}

#[test]
fn batch_norm_agrees_with_the_reference() {
    for (rows, channels) in [(4, 3), (7, 17), (300, 120), (5000, 16), (40, 64)] {
        let raw = numbers(1, rows * channels);
        let other = numbers(2, rows * channels);
        let grad = numbers(3, rows * channels);
        let vectors: Vec<Vec<f32>> = (4..12).map(|seed| numbers(seed, channels)).collect();
        let of = |i: usize| Norm {
            mean: &vectors[i],
            inverse: &vectors[i + 1],
            gamma: &vectors[i + 2],
            beta: &vectors[i + 3],
        };
        for kind in 0..3 {
            for relu in [false, true] {
                let skip = match kind {
                    0 => None,
                    1 => Some(Skip { data: &other, norm: None }),
                    _ => Some(Skip { data: &other, norm: Some(of(4)) }),
                };
                let run = |kernels: &mut dyn Kernels| {
                    let mut out = vec![f32::NAN; rows * channels];
                    kernels.norm(rows, &raw, of(0), skip, relu, &mut out);
                    let mut grad = grad.clone();
                    let mut separate = vec![f32::NAN; rows * channels];
                    let mut grads = vec![vec![f32::NAN; channels]; 4];
                    let [gamma, beta, skip_gamma, skip_beta] = &mut grads[..] else { panic!() };
                    let backward = match kind {
                        0 => SkipBackward::None,
                        1 => SkipBackward::Identity { grad_raw: &mut separate },
                        _ => SkipBackward::Norm {
                            grad_raw: &mut separate,
                            raw: &other,
                            norm: of(4),
                            grads: NormGrads { gamma: skip_gamma, beta: skip_beta },
                        },
                    };
                    let given = (relu && kind > 0).then_some(&out[..]);
                    kernels.norm_backward(
                        rows,
                        &raw,
                        of(0),
                        NormGrads { gamma, beta },
                        given,
                        relu,
                        &mut grad,
                        backward,
                    );
                    (out, grad, separate, grads)
                };
                let expected = run(&mut Reference);
                for mut cpu in fast() {
                    let got = run(&mut cpu);
                    let what = format!("norm {rows}×{channels} skip {kind} relu {relu}");
                    close(&what, &got.0, &expected.0, 1e-6);
                    close(&format!("{what}: gradient"), &got.1, &expected.1, 1e-5);
                    if kind > 0 {
                        close(&format!("{what}: separate gradient"), &got.2, &expected.2, 1e-5);
                    }
                    for i in 0..if kind == 2 { 4 } else { 2 } {
                        close(&format!("{what}: parameter {i}"), &got.3[i], &expected.3[i], 1e-5);
                    }
                }
            }
        }
    }
}

#[test]
fn pools_agree_with_the_reference_bit_by_bit() {
    for (kernel, stride, padding) in [(3, 2, 1), (2, 2, 0), (3, 1, 1)] {
        for (height, width) in [(2, 2), (5, 3), (9, 8)] {
            for channels in [3, 17, 64, 120] {
                let n = 3;
                let side = |length: usize| (length + 2 * padding - kernel) / stride + 1;
                let pool = Pool {
                    kernel,
                    stride,
                    padding,
                    in_height: height,
                    in_width: width,
                    out_height: side(height),
                    out_width: side(width),
                    channels,
                };
                // Few values, so that ties are common.
                let input: Vec<f32> =
                    numbers(1, n * height * width * channels).iter().map(|v| (v * 3.0).round()).collect();
                let len = n * pool.out_height * pool.out_width * channels;
                let grad = numbers(2, len);
                let run = |kernels: &mut dyn Kernels| {
                    let (mut out, mut index) = (vec![f32::NAN; len], vec![255; len]);
                    kernels.max_pool(&pool, n, &input, &mut out, Some(&mut index));
                    let mut grad_input = vec![f32::NAN; input.len()];
                    kernels.max_pool_backward(&pool, n, &grad, &index, &mut grad_input);
                    let mut again = vec![f32::NAN; len];
                    kernels.max_pool(&pool, n, &input, &mut again, None);
                    assert_eq!(out, again);
                    (out, index, grad_input)
                };
                let expected = run(&mut Reference);
                for mut cpu in fast() {
                    assert!(run(&mut cpu) == expected, "{pool:?}");
                }
            }
        }
    }
    for (pixels, channels) in [(1, 3), (49, 17), (4, 120)] {
        let (input, grad) = (numbers(1, 5 * pixels * channels), numbers(2, 5 * channels));
        let run = |kernels: &mut dyn Kernels| {
            let (mut out, mut back) = (vec![f32::NAN; 5 * channels], vec![f32::NAN; input.len()]);
            kernels.average_pool(5, pixels, channels, &input, &mut out);
            kernels.average_pool_backward(5, pixels, channels, &grad, &mut back);
            (out, back)
        };
        let expected = run(&mut Reference);
        for mut cpu in fast() {
            let got = run(&mut cpu);
            close("average pool", &got.0, &expected.0, 1e-6);
            close("average pool backward", &got.1, &expected.1, 1e-6);
        }
    }
}

#[test]
fn the_optimiser_agrees_with_the_reference() {
    for momentum in [0.0, 0.9] {
        for nesterov in [false, true] {
            let step = Sgd { lr: 0.1, momentum, nesterov, weight_decay: 0.01 };
            let run = |kernels: &mut dyn Kernels| {
                let mut weights = numbers(1, 1003);
                let mut velocity = if momentum == 0.0 { vec![] } else { vec![0.0; 1003] };
                for i in 0..3 {
                    kernels.sgd(step, &mut weights, &numbers(2 + i, 1003), &mut velocity);
                }
                (weights, velocity)
            };
            let expected = run(&mut Reference);
            for mut cpu in fast() {
                let got = run(&mut cpu);
                close("weights", &got.0, &expected.0, 1e-6);
                close("velocity", &got.1, &expected.1, 1e-6);
            }
        }
    }
}

#[test]
fn moments_keep_their_digits_far_from_zero() {
    // One 1×1 convolution that adds 1000 to unit noise.
    let conv = geometry(1, 1, 0, (40, 40), 2, 5).unwrap();
    let mut input = numbers(1, 2 * conv.input_len());
    input.iter_mut().skip(1).step_by(2).for_each(|v| *v = 1.0);
    let mut weights = vec![1.0; 5];
    weights.extend([1000.0; 5]);
    let moments = |kernels: &mut dyn Kernels| {
        let (mut output, mut moments) = (vec![0.0; 2 * conv.output_len()], Moments::default());
        kernels.conv(&conv, 2, &input, &weights, &mut output, Epilogue::Moments(&mut moments));
        moments
    };
    let expected = moments(&mut Reference);
    for mut cpu in fast() {
        let got = moments(&mut cpu);
        close("variance", &got.variance, &expected.variance, 1e-3);
        close("mean", &got.mean, &expected.mean, 1e-6);
    }
}

#[test]
fn cross_entropy_and_its_gradient_follow_the_definition() {
    // PyTorch: CrossEntropyLoss(label_smoothing=0.1)([[1, 2, 3], [0, 0, 0]], [[0.3, 0.7, 0], [0, 0, 1]]) computed by hand in f64.
    let (logits, targets) = ([1.0, 2.0, 3.0, 0.0, 0.0, 0.0], [0.3, 0.7, 0.0, 0.0, 0.0, 1.0]);
    let mut grad = [0.0; 6];
    let loss = cross_entropy(3, &logits, &targets, 0.1, None, &mut grad);
    let sum = (1f64.exp() + 2f64.exp() + 3f64.exp()).ln();
    let third = 0.1 / 3.0;
    let first = (0.27 + third) * (sum - 1.0) + (0.63 + third) * (sum - 2.0) + third * (sum - 3.0);
    assert!((loss - (first + 3f64.ln()) / 2.0).abs() < 1e-6, "{loss}");
    // Exact in f32 beside these logits.
    let epsilon = 1.0 / 128.0;
    for i in 0..6 {
        let at = |delta: f32| {
            let mut logits = logits;
            logits[i] += delta;
            cross_entropy(3, &logits, &targets, 0.1, None, &mut [0.0; 6])
        };
        let slope = (at(epsilon) - at(-epsilon)) / (2.0 * f64::from(epsilon));
        assert!((slope - f64::from(grad[i])).abs() < 2e-5, "{i}: {slope} {}", grad[i]);
    }
    // Weights multiply an image's part of both.
    let mut weighted = [0.0; 6];
    let twice = cross_entropy(3, &logits, &targets, 0.1, Some(&[2.0, 0.5]), &mut weighted);
    assert!((twice - (2.0 * first + 0.5 * 3f64.ln()) / 2.0).abs() < 1e-6, "{twice}");
    for (i, (weighted, plain)) in weighted.iter().zip(&grad).enumerate() {
        assert!((weighted - if i < 3 { 2.0 } else { 0.5 } * plain).abs() < 1e-6, "{i}");
    }
    assert!(cross_entropy(2, &[f32::NAN, 0.0], &[1.0, 0.0], 0.0, None, &mut [0.0; 2]).is_nan());
    // A huge logit neither overflows nor turns the zero target's share into NaN.
    assert_eq!(cross_entropy(2, &[3e38, -3e38], &[1.0, 0.0], 0.0, None, &mut [0.0; 2]), 0.0);
}
