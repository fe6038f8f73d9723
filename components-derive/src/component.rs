//! Implements `#[derive(LiveComponent)]`.

mod props;
mod url;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned;
use vivaz_template::{Compiled, TemplateKind};

use crate::attr::Fallback;
use crate::diagnostics::Diagnostics;
use crate::model::{ComponentField, FieldRole, Model};
use crate::names::private;
use crate::storable;
use crate::template::TemplateFile;

pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    let mut errors = Diagnostics::default();
    let Some(model) = Model::read(input, &mut errors) else { return errors.into_tokens() };
    let mut template = TemplateFile::find(&model.ident, &model.attrs, &mut errors);
    let p = private(model.attrs.krate.as_ref());
    let compiled = template.compile(TemplateKind::Component, &mut errors);
    let ident = &model.ident;
    let subject = quote! {
        fields: <#ident as p::LiveComponent>::SPEC.fields,
        shape: <#ident as p::LiveShape>::SHAPE,
        computed: #ident::__LIVE_COMPUTED_SHAPES,
        actions: #ident::__LIVE_ACTIONS,
        methods: #ident::__LIVE_METHODS,
        words: #ident::__LIVE_WORDS,
    };
    let checks = template.checks(ident, &model.attrs, &subject, compiled.as_ref());
    let props = props::expand(&model, &p);
    let fields = fields_impl(&model);
    let component = component_impl(&model);
    let live = live_impl(&model, &template, compiled.as_ref());
    let shape = shape_impl(&model);
    let storable = storable::checks(&model);
    let errors = errors.into_tokens();
    quote! {
        #props
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::{
                Defaults as _, ListsNothing as _, Missing as _, NoList as _, NotShared as _, PickPlain as _,
                PickUnwritten as _, ShowsNone as _, SlotWhole as _, UnreadableField as _, Unshaped as _, UnwrittenField as _,
                WrittenWhole as _,
            };
            #fields
            #component
            #live
            #shape
            #storable
            #checks
            p::inventory::submit! { p::Registration::of::<#ident>() }
        };
        #errors
    }
}

/// Writes the trait that visits all fields but the shared ones, for comparing and writing.
fn fields_impl(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let visited =
        model.fields.iter().filter(|field| field.kind != FieldRole::Skip && field.attrs.shared.is_none());
    let visits = visited.map(|field| {
        let (name, member, kind) = (&field.name, &field.ident, field.kind.ident());
        quote_spanned! {field.ty.span()=>
            visitor.field(#name, p::FieldKind::#kind, &mut p::Pick(&mut self.#member).field());
        }
    });
    let query = url::query(model);
    quote! {
        impl p::TrackedFields for #ident {
            fn visit(&mut self, visitor: &mut dyn p::Visitor) {
                #(#visits)*
                if visitor.computed() {
                    #query
                    self.__live_computed(visitor);
                }
            }
        }
    }
}

/// Writes the method that visits every shared field with the name of its topic.
fn shared_method(model: &Model) -> Option<TokenStream> {
    let visits: Vec<_> = model
        .fields
        .iter()
        .filter_map(|field| {
            let (name, member, ty) = (&field.name, &field.ident, &field.ty);
            let pattern = field.attrs.shared.as_ref()?;
            let topic = model.topic(pattern).unwrap_or_else(|_| quote!(::core::format_args!("")));
            Some(quote_spanned! {ty.span()=>
                visit(#name, #topic, p::Shows::<#ty>::field(&mut self.#member));
            })
        })
        .collect();
    (!visits.is_empty()).then(|| {
        quote! {
            fn shared(&mut self, visit: &mut p::VisitShared<'_>) {
                #(#visits)*
            }
        }
    })
}

fn component_impl(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let assigns = model.fields.iter().filter(|field| field.is_prop()).map(|field| {
        let (name, member, ty) = (&field.name, &field.ident, &field.ty);
        quote_spanned!(ty.span()=> #name => p::ReadableField::<#ty>::assign(&mut self.#member, value),)
    });
    let edits = model.fields.iter().filter(|field| field.is_model()).map(|field| {
        let (name, member) = (&field.name, &field.ident);
        quote_spanned!(field.ty.span()=> #name => p::EditSlot(&mut self.#member).edit(edit),)
    });
    let rereads = model.fields.iter().filter(|field| field.kind.is_saved()).map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        quote_spanned! {field.ty.span()=>
            #name => {
                let mut value: #ty = p::ReadableField::<#ty>::reread(saved)?;
                let field = p::Pick(&mut value).field();
                p::TrackedField::save(&field, #name, out)
            }
        }
    });
    let errors = model.fields.iter().find(|field| field.kind == FieldRole::Errors).map(|field| {
        let member = &field.ident;
        quote_spanned! {field.ty.span()=>
            fn errors(&mut self) -> ::core::option::Option<&mut p::Errors> {
                ::core::option::Option::Some(&mut self.#member)
            }
        }
    });
    let (shared, url) = (shared_method(model), url::follow_method(model));
    let duplicate = quote_spanned! {ident.span()=>
        fn duplicate(&self) -> ::std::boxed::Box<dyn p::AnyComponent> {
            ::std::boxed::Box::new(::core::clone::Clone::clone(self))
        }
    };
    quote! {
        impl p::AnyComponent for #ident {
            fn spec(&self) -> &'static p::Spec {
                <Self as p::LiveComponent>::SPEC
            }
            #duplicate
            fn assign(&mut self, field: &str, value: &p::Raw) -> p::JsonResult {
                match field {
                    #(#assigns)*
                    _ => p::no_such_field(field),
                }
            }
            fn edit(&mut self, edit: &mut p::EditCursor<'_>) -> p::EditResult {
                match edit.root() {
                    #(#edits)*
                    _ => edit.unknown(),
                }
            }
            fn reread(&self, field: &str, saved: &p::Raw, out: &mut p::StateWriter) -> p::JsonResult {
                match field {
                    #(#rereads)*
                    _ => p::no_such_field(field),
                }
            }
            #url
            fn call_params(self: ::std::boxed::Box<Self>, params: p::UrlParams, cx: p::MountContext) -> p::ParamsFuture {
                self.__live_params(params, cx)
            }
            #shared
            #errors
            fn call(self: ::std::boxed::Box<Self>, cx: p::Context, call: p::MethodCall<'_>) -> p::Called {
                self.__live_call(cx, call)
            }
        }
    }
}

fn live_impl(model: &Model, template: &TemplateFile, compiled: Option<&Compiled>) -> TokenStream {
    let (ident, name) = (&model.ident, &model.name);
    let type_name = ident.to_string();
    let props = props::ident(model);
    let bound = url::specs(model);
    let (open, durable, schema) = (model.attrs.open, model.attrs.durable, schema(model));
    let specs = model.fields.iter().map(|field| {
        let (name, kind) = (&field.name, field.kind.ident());
        let (is_model, is_prop, is_page) = (field.is_model(), field.is_prop(), field.is_page());
        quote!(p::FieldSpec {
            name: #name,
            kind: p::FieldKind::#kind,
            model: #is_model,
            prop: #is_prop,
            page: #is_page
        })
    });
    let given = model.fields.iter().filter(|field| field.is_prop()).map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        let (shown, optional) = (quote!(#ty).to_string().replace(' ', ""), field.attrs.default.is_some());
        quote!(p::ArgSpec { name: #name, ty: #shown, shape: p::ShapeProbe::<#ty>::SHAPE, optional: #optional })
    });
    let restored = model.fields.iter().map(|field| {
        let (name, member, ty) = (&field.name, &field.ident, &field.ty);
        if field.kind.is_saved() {
            match &field.attrs.default {
                Some(Fallback::Expr(expr)) => {
                    quote_spanned!(ty.span()=> #member: p::ReadableField::<#ty>::take_or(saved, #name, || #expr)?,)
                }
                // Not in a closure, which clippy would report as redundant in the application.
                Some(Fallback::OfType) => quote_spanned! {ty.span()=>
                    #member: p::ReadableField::<#ty>::take_or(saved, #name, <#ty as ::core::default::Default>::default)?,
                },
                None => quote_spanned!(ty.span()=> #member: p::ReadableField::<#ty>::take(saved, #name)?,),
            }
        } else {
            let default = default(field);
            quote_spanned!(field.ty.span()=> #member: #default,)
        }
    });
    let made = model.fields.iter().map(|field| {
        let member = &field.ident;
        if field.is_prop() {
            quote!(#member: props.#member,)
        } else {
            let default = default(field);
            quote!(#member: #default,)
        }
    });
    let needed = model.fields.iter().filter(|field| !field.is_prop() && field.attrs.default.is_none()).map(|field| {
        let ty = &field.ty;
        let message = format!(
            "`{}` of `{ident}` has no default value: write `async fn mount(props: {props}, cx: &mut MountContext) -> \
             Result<Self>` in the #[actions] block, or give the field #[live(default = …)]",
            field.name
        );
        quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(#ident::__LIVE_HAS_MOUNT || p::Fill::<#ty>::HAS_DEFAULT, #message);
        }
    });
    let checks = url::checks(model);
    let template = template.source();
    let outermost =
        compiled.iter().flat_map(|compiled| &compiled.containment.outermost).map(|placed| &*placed.name);
    quote! {
        impl p::Defaults for #ident {
            type Props = #props;
            #[allow(unused_variables)]
            fn __live_mount(props: #props, cx: &mut p::MountContext) -> ::core::future::Ready<p::Result<Self>> {
                ::core::future::ready(::core::result::Result::Ok(Self { #(#made)* }))
            }
        }
        #(#needed)*
        #(#checks)*
        impl p::LiveComponent for #ident {
            type Props = #props;
            const SPEC: &'static p::Spec = &p::Spec {
                name: #name,
                type_name: ::core::concat!(::core::module_path!(), "::", #type_name),
                open: #open,
                durable: #durable,
                schema: #schema,
                template: #template,
                outermost: &[#(#outermost),*],
                fields: &[#(#specs),*],
                url: &[#(#bound),*],
                props: &[#(#given),*],
                shape: <Self as p::LiveShape>::SHAPE,
                computed: #ident::__LIVE_COMPUTED_SHAPES,
                actions: #ident::__LIVE_ACTIONS,
                events: #ident::__LIVE_EVENTS,
                hooks: #ident::__LIVE_HOOKS,
            };
            async fn mount(props: #props, cx: &mut p::MountContext) -> p::Result<Self> {
                Self::__live_mount(props, cx).await
            }
            #[allow(unused_variables, clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            fn restore(saved: &p::Saved<'_>) -> p::Result<Self> {
                ::core::result::Result::Ok(Self { #(#restored)* })
            }
            fn migrate(saved: &p::Saved<'_>) -> p::Result<Self> {
                Self::__live_migrate(saved)
            }
        }
    }
}

/// Returns the value of a field that is not given. rustc checks whether its type has a default,
/// because only a component without `mount` needs one.
fn default(field: &ComponentField) -> TokenStream {
    let ty = &field.ty;
    match &field.attrs.default {
        Some(Fallback::Expr(expr)) => quote_spanned!(expr.span()=> #expr),
        Some(Fallback::OfType) => quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default()),
        None => quote_spanned!(ty.span()=> p::Fill::<#ty>::fill()),
    }
}

/// Writes the function that returns the schema. The schema is computed once.
fn schema(model: &Model) -> TokenStream {
    let saved = model.fields.iter().filter(|field| field.kind.is_saved()).map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        quote_spanned!(ty.span()=> (#name, p::ReadableField::<#ty>::describe),)
    });
    quote! {
        || {
            static SCHEMA: ::std::sync::OnceLock<u64> = ::std::sync::OnceLock::new();
            *SCHEMA.get_or_init(|| p::schema(&[#(#saved)*]))
        }
    }
}

fn shape_impl(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let name = ident.to_string();
    let fields = model.fields.iter().map(|field| {
        let hidden = match field.kind {
            FieldRole::Private => Some("it is #[live(private)]"),
            FieldRole::Skip => Some("it is #[live(skip)]"),
            FieldRole::Public | FieldRole::Errors | FieldRole::Shared => None,
        };
        let opaque = field.attrs.opaque.is_some();
        crate::state::shape_field(&field.name, &field.ty, hidden, opaque, field.is_model())
    });
    let written = model.fields.iter().filter(|field| field.is_model());
    let written = written.map(|field| crate::state::check_written(&name, &field.name, &field.ty));
    quote! {
        impl p::LiveShape for #ident {
            const SHAPE: p::ShapeRef = p::ShapeRef::new(&p::Shape::Struct(#name, &[#(#fields),*]));
        }
        #(#written)*
    }
}
