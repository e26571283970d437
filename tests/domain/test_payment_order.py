from payorch.domain.payment_order import Customer


def test_two_spellings_of_an_address_are_one_customer_and_print_as_nobody():
    customer = Customer("Ana Diaz", "Ana@Example.com")

    assert customer == Customer("Ana Diaz", "ana@example.com")
    assert "ana" not in repr(customer).lower()
